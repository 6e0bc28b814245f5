mod authorisation;
mod formats;
mod passwords;
mod proofs;
mod values;
