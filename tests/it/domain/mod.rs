mod authorisation;
mod formats;
mod passwords;
