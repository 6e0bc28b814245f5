//! Check characters shared by several numbers.

/// ISO 7064 MOD 11-2 over 17 digits: resident numbers, residence permits, permanent residence.
pub fn mod_11_2(digits: &[u8]) -> Option<char> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let mut sum = 0;
    for (digit, weight) in digits.iter().zip(WEIGHTS) {
        sum += char::from(*digit).to_digit(10)? * weight;
    }
    (digits.len() == WEIGHTS.len())
        .then(|| "10X98765432".chars().nth(usize::try_from(sum % 11).unwrap_or_default()))?
}

/// Machine-readable documents (ICAO 9303): weights 7 3 1, letters from 10, modulo 10.
pub fn mod_10_731(text: &str) -> Option<u32> {
    let mut sum = 0;
    for (c, weight) in text.chars().zip([7, 3, 1].into_iter().cycle()) {
        sum += c.to_digit(36)? * weight;
    }
    Some(sum % 10)
}
