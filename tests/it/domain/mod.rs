mod authorisation;
mod formats;
mod passwords;
mod proofs;
mod signing_keys;
mod spared;
mod values;
