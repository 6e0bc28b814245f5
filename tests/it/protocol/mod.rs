mod authorize;
mod bad_input;
mod races;
mod token;
