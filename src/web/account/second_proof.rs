//! The way to a second factor for whoever is about to change what proves them, and back.

use crate::flows::sign_in::factor::change::begin_proof;
use crate::web::account::visit::{Visit, to_sign_in};
use crate::web::answer::Answer;
use crate::web::transaction;

/// `path`: the page that is wanted.
pub async fn to_second_factor(visit: &Visit, path: &str) -> Answer {
    let request = &visit.request;
    let begun = begin_proof(&request.ctx, &visit.session, &visit.path(path)).await?;
    let Some(transaction) = begun else { return Ok(to_sign_in(request, path)) };
    Ok(transaction::to_second_factor(request, &transaction))
}
