mod authorisation;
mod formats;
mod kept;
mod passwords;
mod proofs;
mod signing_keys;
mod spared;
mod values;
