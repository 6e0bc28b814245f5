mod enterprise;
mod person;
mod refusals;
