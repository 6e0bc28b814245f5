mod authorize;
mod races;
mod token;
