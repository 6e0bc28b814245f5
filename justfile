# The front door for whoever works on Hufu; every recipe is a command that works without `just`, too.

# List the recipes.
default:
    @just --list

# Provider, desk and two tax applications on loopback.
demo *arguments:
    cargo run --release -- demo {{arguments}}

# Every test, with PostgreSQL, Redis and Chromium.
test *arguments:
    scripts/test {{arguments}}

# What must hold before a change lands.
check:
    .ci/run

# Every budget of docs/performance.md.
bench seconds="5":
    scripts/bench {{seconds}}

# Realm files as the server would read them.
realms:
    cargo run -- realm validate --demo realms/jiangxi
    cargo run -- realm fmt --check realms
