//! What a kept value of an earlier release does not have. It is not written where it says nothing, so that the
//! value's text, by which it is known again, stays as it was.

/// For `skip_serializing_if`.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
