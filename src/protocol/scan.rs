//! Looks at JSON text before it is parsed, for what a parser lets through ([MS2]).
//!
//! Promises: one pass, no allocation, no recursion; text that passes has no NUL and no lone surrogate in a string, no
//! number beyond a double, and is nested at most `NESTING_MAX` deep, also where a parser would only skip.
//! Must never: judge the grammar; text that is no JSON may pass and is then the parser's to refuse.

/// Objects and arrays within each other, the message itself included.
pub const NESTING_MAX: usize = 32;

/// What no message may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nested over `NESTING_MAX`.
    Nesting,
    /// `\u0000` in a string: databases cannot keep it.
    Nul,
    /// Half of a UTF-16 pair in a string.
    Surrogate,
    /// A number beyond what a double can hold.
    Number,
}

impl Flaw {
    /// For people.
    pub fn message(self) -> &'static str {
        match self {
            Self::Nesting => "nested over 32 levels",
            Self::Nul => "a string holds a NUL character",
            Self::Surrogate => "a string holds a lone surrogate",
            Self::Number => "a number is no double",
        }
    }
}

/// Looks through JSON text.
pub fn check(text: &str) -> Result<(), Flaw> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b'"' => after_string(bytes, at + 1)?,
            b'-' | b'0'..=b'9' => after_number(text, at)?,
            _ => at + 1,
        };
        match byte {
            b'{' | b'[' if depth == NESTING_MAX => return Err(Flaw::Nesting),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// Where the string ends whose inside begins at `at`.
fn after_string(bytes: &[u8], mut at: usize) -> Result<usize, Flaw> {
    loop {
        let Some(ahead) = bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
            return Ok(bytes.len());
        };
        at += ahead;
        if bytes[at] == b'"' {
            return Ok(at + 1);
        }
        at = after_escape(bytes, at)?.min(bytes.len());
    }
}

/// Where the escape ends that begins at `at`; a high surrogate takes its low one along.
fn after_escape(bytes: &[u8], at: usize) -> Result<usize, Flaw> {
    match code_unit(bytes, at) {
        None => Ok(at + 2),
        Some(0) => Err(Flaw::Nul),
        Some(0xD800..=0xDBFF) => match code_unit(bytes, at + 6) {
            Some(0xDC00..=0xDFFF) => Ok(at + 12),
            _ => Err(Flaw::Surrogate),
        },
        Some(0xDC00..=0xDFFF) => Err(Flaw::Surrogate),
        Some(_) => Ok(at + 6),
    }
}

/// The UTF-16 code unit of a `\uXXXX` at `at`, if there is one.
fn code_unit(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// Where the number ends that begins at `at`.
fn after_number(text: &str, at: usize) -> Result<usize, Flaw> {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let end = at + text.as_bytes()[at..].iter().take_while(|byte| is_part(byte)).count();
    match text[at..end].parse::<f64>() {
        Ok(number) if number.is_infinite() => Err(Flaw::Number),
        _ => Ok(end),
    }
}
