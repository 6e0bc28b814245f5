mod authorisation;
mod formats;
mod passwords;
mod proofs;
