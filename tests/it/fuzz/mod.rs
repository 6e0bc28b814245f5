//! What reads strangers' bytes meets bytes that nobody thought of: seeds that are right, mutated.
//! `scripts/test` runs each target for a moment and always alike; `scripts/fuzz` runs one as long
//! as one likes, each time otherwise. What a target asserts stands in `targets` and `requests`.

mod requests;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};

/// Pieces that have hurt programs before: ends of lines and texts, look-alikes of digits, letters
/// that change their number when case or form is folded, what starts another syntax.
const PIECES: [&[u8]; 48] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"",
    b"\x7f",
    b"\xff",
    b"\xc3",
    b"%00",
    b"%",
    b"%zz",
    b"&",
    b"=",
    b"+",
    b";",
    b",",
    b".",
    b"..",
    b"/",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[",
    b"<",
    b"#",
    b"-1",
    b"0",
    b"1e999",
    b"9223372036854775808",
    b"null",
    b"true",
    "１".as_bytes(),
    "Ａ".as_bytes(),
    "ß".as_bytes(),
    "ŉ".as_bytes(),
    "ΐ".as_bytes(),
    "İ".as_bytes(),
    "\u{200b}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{feff}".as_bytes(),
    "𠮷".as_bytes(),
    "e\u{301}".as_bytes(),
    "·".as_bytes(),
];

/// The inputs of one target: right ones, and parts to build others from.
struct Mutator<'s> {
    seeds: &'s [Vec<u8>],
    random: StdRng,
}

impl Mutator<'_> {
    fn next(&mut self) -> Vec<u8> {
        let mut bytes = self.seed();
        for _ in 0..self.random.random_range(1..=4) {
            self.mutate(&mut bytes);
        }
        bytes
    }

    fn seed(&mut self) -> Vec<u8> {
        self.seeds.choose(&mut self.random).unwrap().clone()
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let (from, to) = match self.random.random_ratio(1, 2) {
            true => self.word(bytes),
            false => self.range(bytes.len()),
        };
        match self.random.random_range(0..7) {
            0 => drop(bytes.drain(from..to)),
            1 => drop(bytes.splice(from..from, piece(&mut self.random))),
            2 => drop(bytes.splice(from..to, piece(&mut self.random))),
            3 => drop(bytes.splice(from..from, bytes[from..to].to_vec())),
            4 => {
                let times = self.random.random_range(2..200);
                let many = bytes[from..to.min(from + 40)].repeat(times);
                drop(bytes.splice(from..from, many));
            }
            5 => {
                let other = self.seed();
                let (start, end) = self.range(other.len());
                drop(bytes.splice(from..to, other[start..end].to_vec()));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= 1 << self.random.random_range(0..8);
                }
            }
        }
    }

    /// What stands between two marks: a value of a form, a member of an object, a header.
    fn word(&mut self, bytes: &[u8]) -> (usize, usize) {
        let is_mark = |byte: &u8| b"=&?\":{}[]/. ,;\n".contains(byte);
        let (at, _) = self.range(bytes.len());
        let from = bytes[..at].iter().rposition(is_mark).map_or(0, |mark| mark + 1);
        let to = bytes[at..].iter().position(is_mark).map_or(bytes.len(), |mark| at + mark);
        (from, to)
    }

    /// Mostly a short one.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.random.random_range(0..=length);
        let longest = if self.random.random_ratio(3, 4) { 8 } else { length };
        (from, (from + self.random.random_range(0..=longest)).min(length))
    }
}

fn piece(random: &mut impl Rng) -> Vec<u8> {
    PIECES.choose(random).unwrap().to_vec()
}

/// Tries `target` on the seeds as they are and then on what becomes of them. What it panics at is
/// printed, so that it can become a seed.
fn run(seeds: &[Vec<u8>], mut target: impl FnMut(&[u8])) {
    let (seed, seconds) = match std::env::var_os("HUFU_FUZZ_SECONDS") {
        Some(seconds) => (rand::rng().random(), seconds.to_str().unwrap().parse().unwrap()),
        None => (0, 0.4),
    };
    let mut mutator = Mutator { seeds, random: StdRng::seed_from_u64(seed) };
    let mut try_one = |input: &[u8]| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
            eprintln!("of b\"{}\"", input.escape_ascii());
            resume_unwind(panic);
        }
    };
    for seed in seeds {
        try_one(seed);
    }
    let (begun, mut tried) = (Instant::now(), 0_u64);
    while begun.elapsed() < Duration::from_secs_f64(seconds) {
        let input = mutator.next();
        try_one(&input);
        tried += 1;
    }
    eprintln!("{tried} inputs tried");
}

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
