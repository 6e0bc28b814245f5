//! Wrong PINs by token, across sessions: not every token counts them itself, and a page could open
//! one session after the other. After five in a row a token rests for five minutes.

use std::collections::HashMap;

use crate::protocol::{Code, PinState, Refusal, TokenName};

pub const MOST_WRONG: u32 = 5;
pub const REST: i64 = 300;

#[derive(Default)]
pub struct Tries {
    of: HashMap<TokenName, Counted>,
}

#[derive(Default)]
struct Counted {
    wrong: u32,
    rests_until: i64,
}

impl Tries {
    /// Whether a PIN may be tried now. The last try is the person's own decision.
    pub fn may_try(
        &self,
        token: &TokenName,
        pin: PinState,
        last_try: bool,
        now: i64,
    ) -> Result<(), Refusal> {
        if pin.locked || pin.tries_left == Some(0) {
            return Err(Refusal::new(Code::PinLocked).left(Some(0)));
        }
        if let Some(counted) = self.of.get(token)
            && counted.rests_until > now
        {
            return Err(Refusal::new(Code::PinLocked).retry_in(counted.rests_until - now));
        }
        if pin.tries_left == Some(1) && !last_try {
            let why = "one more wrong PIN locks the token; confirm with last_try";
            return Err(Refusal::new(Code::PinRequired).left(Some(1)).because(why));
        }
        Ok(())
    }

    pub fn wrong(&mut self, token: &TokenName, now: i64) {
        let counted = self.of.entry(token.clone()).or_default();
        counted.wrong += 1;
        if counted.wrong >= MOST_WRONG {
            *counted = Counted { wrong: 0, rests_until: now + REST };
        }
    }

    pub fn right(&mut self, token: &TokenName) {
        self.of.remove(token);
    }
}
