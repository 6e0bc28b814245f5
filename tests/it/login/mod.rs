mod agency;
mod authenticator;
mod enterprise;
mod person;
mod refusals;
mod scan;
mod social_insurance;
