//! The interfaces of our own as an OpenAPI 3.1 document (`hufu openapi`): phone applications'
//! servers and the bureau's systems. What OpenID Connect says is told by discovery instead.

use serde_json::{Value, json};

/// `issuer`: the realm's, below which the paths lie.
pub fn document(issuer: &str) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hufu",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Scanning for phone applications, feeds for the bureau's systems. \
                            OpenID Connect is described by the discovery document.",
        },
        "servers": [{"url": issuer}],
        "paths": {
            "/app/scan": {"post": scan()},
            "/app/codes/{code}/{act}": {"post": act()},
            "/app/card": {"post": begin_card()},
            "/app/card/{order}": {"post": read_card()},
            "/admin/import": {"post": import()},
            "/admin/history": {"get": history(), "post": posted_history()},
        },
        "components": {
            "securitySchemes": {
                "client": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "An access token from client credentials."},
                "phone": {"type": "http", "scheme": "DPoP",
                    "description": "The Tax app's access token, bound to the phone's key (RFC 9449)."},
            },
            "schemas": {
                "Refusal": refusal(),
                "Asked": asked(),
                "CardOrder": card_order(),
                "Level": {"type": "object", "required": ["level"],
                    "properties": {"level": {"type": "integer", "minimum": 1, "maximum": 5}}},
                "Report": report(),
                "History": ended(),
            },
        },
    })
}

fn answer(description: &str, schema: &str) -> Value {
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

fn scan() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "operationId": "scan",
        "summary": "What a phone application's server does with a scanned code",
        "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded": {"schema": {
            "type": "object",
            "required": ["client_assertion_type", "client_assertion", "code", "statement"],
            "properties": {
                "client_assertion_type": {
                    "const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                },
                "client_assertion": text("RFC 7523, one use"),
                "code": text("the last part of the scanned address"),
                "statement": text("a JWT of the same key: who acts, and what they do; one use"),
                "number": {"type": "integer", "description": "with `confirm`, where it is needed: typed by the person"},
            },
        }}}},
        "responses": {
            "200": answer("Done; after `scan`, what the person is asked", "Asked"),
            "401": answer("The client is not believed", "Refusal"),
            "409": answer("Refused, with a stable code", "Refusal"),
        },
    })
}

fn act() -> Value {
    let text = |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
    json!({
        "operationId": "act",
        "summary": "What the Tax app does with a scanned code, for the person who is signed in to it",
        "security": [{"phone": ["scan"]}],
        "parameters": [text("code"), {"name": "act", "in": "path", "required": true,
            "schema": {"enum": ["scan", "state", "confirm", "cancel", "face", "face_result"]}}],
        "requestBody": {"content": {"application/json": {"schema": {
            "type": "object",
            "properties": {
                "number": {"type": "integer", "description": "with `confirm` and `face`: typed on the phone"},
                "agree": {"type": "object", "additionalProperties": {"type": "string"},
                    "description": "with `face`: the agreements that were shown and ticked, the version of each by its id"},
                "order": {"type": "string", "description": "with `face_result`: from the address the provider returned to"},
            },
        }}}},
        "responses": {
            "200": answer("Done; after `scan`, what the person is asked; after `face`, where the phone goes", "Asked"),
            "401": {"description": "No valid access token, or no proof of its key"},
            "403": {"description": "The token lacks the scope"},
            "409": answer("Refused, with a stable code", "Refusal"),
        },
    })
}

fn begin_card() -> Value {
    json!({
        "operationId": "begin_card",
        "summary": "Begins to read the identity card of the person who is signed in to the Tax app (level 4 to 5)",
        "security": [{"phone": ["scan"]}],
        "responses": {
            "200": answer("The card is read over this challenge", "CardOrder"),
            "401": {"description": "No valid access token, or no proof of its key"},
            "403": {"description": "The token lacks the scope"},
            "409": answer("Refused, with a stable code: E_STATE at another level than 4, E_OFFLINE_ONLY where nobody looks at cards", "Refusal"),
        },
    })
}

fn read_card() -> Value {
    json!({
        "operationId": "read_card",
        "summary": "What the reader made of card and challenge; an order is good for one reading",
        "security": [{"phone": ["scan"]}],
        "parameters": [{"name": "order", "in": "path", "required": true, "schema": {"type": "string"}}],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {
            "type": "object",
            "required": ["reading"],
            "properties": {"reading": {"type": "string", "maxLength": 16384,
                "description": "for the reader's service, which alone understands it"}},
        }}}},
        "responses": {
            "200": answer("It is this person's card", "Level"),
            "401": {"description": "No valid access token, or no proof of its key"},
            "403": {"description": "The token lacks the scope"},
            "409": answer("Refused, with a stable code: E_REAL_NAME for another's card, E_STATE for an order that is over", "Refusal"),
        },
    })
}

fn card_order() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "required": ["order", "challenge", "expires_in"],
        "properties": {
            "order": text("names this reading, on this phone alone"),
            "challenge": text("for the card's chip to answer"),
            "expires_in": {"type": "integer", "description": "seconds"},
        },
    })
}

fn import() -> Value {
    let lines = json!({"schema": {"type": "string"}});
    json!({
        "operationId": "import",
        "summary": "What the registry and the business systems tell, line by line",
        "security": [{"client": ["registry_import"]}],
        "parameters": [{
            "name": "kind", "in": "query", "description": "of lines that do not name theirs",
            "schema": {"enum": crate::domain::feed::Line::KINDS},
        }],
        "requestBody": {
            "required": true,
            "content": {"application/jsonl": lines, "text/csv": lines},
        },
        "responses": {
            "200": answer("Lines that were right are taken, the others reported", "Report"),
            "400": answer("Another media type", "Refusal"),
            "401": {"description": "No valid access token"},
            "403": {"description": "The token lacks the scope"},
        },
    })
}

fn history() -> Value {
    json!({
        "operationId": "history",
        "summary": "Every relation of an enterprise or of a person that is over, also what either side has cleared",
        "security": [{"client": ["history_read"]}],
        "parameters": [
            {"name": "enterprise", "in": "query", "schema": {"type": "string"},
                "description": "any number that it answers to"},
            {"name": "person", "in": "query", "schema": {"type": "string", "format": "uuid"},
                "description": "in place of `enterprise`: the person's id, as records have it"},
            {"name": "offset", "in": "query", "schema": {"type": "integer", "minimum": 0}},
        ],
        "responses": histories(),
    })
}

fn posted_history() -> Value {
    json!({
        "operationId": "posted_history",
        "summary": "The same of somebody who is known by a number, which stands in no address",
        "security": [{"client": ["history_read"]}],
        "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded": {"schema": {
            "type": "object",
            "properties": {
                "enterprise": {"type": "string", "description": "any number that it answers to"},
                "person": {"type": "string",
                    "description": "in place of `enterprise`: a document's number, a phone, a username or an id"},
                "offset": {"type": "integer", "minimum": 0},
            },
        }}}},
        "responses": histories(),
    })
}

fn histories() -> Value {
    json!({
        "200": answer("Newest first, 200 at most", "History"),
        "400": answer("Neither of the two is named, or no person in this way", "Refusal"),
        "401": {"description": "No valid access token"},
        "403": {"description": "The token lacks the scope"},
        "404": answer("No enterprise has this number, or nobody is known by this", "Refusal"),
        "409": answer("Several people have this number: `people` are their ids", "Refusal"),
    })
}

fn refusal() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
    })
}

fn asked() -> Value {
    let text = |description: &str| json!({"type": ["string", "null"], "description": description});
    json!({
        "type": "object",
        "additionalProperties": true,
        "properties": {
            "state": {"enum": ["scanned", "confirmed", "cancelled", "failed", "consumed", "expired", "pending"]},
            "site": text("the realm"),
            "purpose": {"enum": ["sign_in", "verify"]},
            "matter": text("sign_in, second_factor, raise, renew, handler, lift, authorise, document, cancel, new_password, new_phone or registration; null on another person's phone"),
            "application": text("the application that waits"),
            "whom": text("the person who is verified, masked"),
            "authorisations": {"type": "array", "items": {"type": "string"}},
            "document": {"type": ["object", "null"], "description": "the document that is added: kind, and number in part",
                "properties": {"kind": {"type": "string"}, "number": {"type": "string"}}},
            "browser": text("browser and system"),
            "place": text("the browser's address, in part"),
            "at": {"type": "integer", "description": "seconds since 1970: when the code was shown"},
            "needs_number": {"type": "boolean", "description": "the person types what the browser shows"},
            "as": text("the identity that will be signed in (Tax app)"),
            "asks_agreement": {"type": "boolean", "description": "agreements are to be ticked before the face check (Tax app)"},
            "agreements": {"type": "array", "items": {"type": "object", "additionalProperties": true},
                "description": "the texts to be shown before it is ticked: id, version, title, text (Tax app)"},
            "url": text("of the face check (Tax app)"),
        },
    })
}

fn report() -> Value {
    let count = json!({"type": "integer", "minimum": 0});
    let line = json!({
        "type": "object",
        "required": ["line", "reason"],
        "properties": {
            "line": count,
            "field": {"type": ["string", "null"]},
            "reason": {"type": "string"},
        },
    });
    json!({
        "type": "object",
        "required": ["applied", "unchanged", "failed", "remarks"],
        "properties": {
            "applied": count,
            "unchanged": count,
            "failed": {"type": "array", "items": line},
            "remarks": {"type": "array", "items": line},
        },
    })
}

fn ended() -> Value {
    json!({
        "type": "object",
        "required": ["records", "next"],
        "properties": {
            "person": {"type": "string", "description": "the id of the person who was asked about"},
            "records": {"type": "array", "items": {"type": "object", "additionalProperties": true}},
            "next": {"type": ["integer", "null"], "description": "the `offset` of the rest"},
        },
    })
}
