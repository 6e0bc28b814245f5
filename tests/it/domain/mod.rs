mod authorisation;
mod formats;
mod passwords;
mod values;
