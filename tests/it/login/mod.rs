mod agency;
mod enterprise;
mod person;
mod refusals;
mod scan;
