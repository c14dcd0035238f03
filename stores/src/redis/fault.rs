//! What goes wrong, and reading what the server answers.

use redis::{ErrorKind, RedisError, ServerError, ServerErrorKind, Value};

/// Why there is no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection is over.
    Gone(String),
    /// There is no answer in time, or the server says that it cannot for now.
    Away(String),
    /// The server says no.
    Refused(String),
    /// What it says is not understood.
    Garbage(String),
}

/// What servers lack that are too old.
const TOO_OLD: &str = "it has no RESP3 with CLIENT TRACKING, as Redis has since 6.0";

/// Codes of errors that pass by themselves: it loads its data, has no primary, or runs a long script.
const PASSING: [&str; 5] = ["LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY"];

impl Fault {
    /// What an answer says that is not the one that was asked for.
    pub(super) fn unexpected(value: &Value) -> Self {
        match value {
            Value::ServerError(error) => Self::from(error),
            other => Self::Garbage(format!("{} where it should not be", kind(other))),
        }
    }

    /// The same while a connection is prepared, where a command that is not known means an old server.
    pub(super) fn while_preparing(self) -> Self {
        match self {
            Self::Refused(reason) if reason.to_ascii_lowercase().contains("unknown") => {
                Self::Refused(format!("{TOO_OLD}: {reason}"))
            }
            other => other,
        }
    }
}

impl From<&ServerError> for Fault {
    fn from(error: &ServerError) -> Self {
        let reason = format!("{} {}", error.code(), error.details().unwrap_or_default());
        match PASSING.contains(&error.code()) {
            true => Self::Away(reason),
            false => Self::Refused(reason),
        }
    }
}

impl From<RedisError> for Fault {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            // Its text shows what was received, of whatever length.
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Self::Garbage("it speaks no RESP".into()),
            ErrorKind::RESP3NotSupported => Self::Refused(TOO_OLD.into()),
            ErrorKind::AuthenticationFailed | ErrorKind::Extension | ErrorKind::Server(_) => {
                let reason = error.to_string();
                match error.code().is_some_and(|code| PASSING.contains(&code)) {
                    true => Self::Away(reason),
                    false => Self::Refused(reason),
                }
            }
            _ => Self::Gone(error.to_string()),
        }
    }
}

/// Whether the server has forgotten a script.
pub(super) fn forgot_script(value: &Value) -> bool {
    match value {
        Value::ServerError(error) => error.kind() == Some(ServerErrorKind::NoScript),
        Value::Array(values) => values.iter().any(forgot_script),
        _ => false,
    }
}

/// A number.
pub(super) fn number(value: &Value) -> Result<i64, Fault> {
    match value {
        Value::Int(number) => Ok(*number),
        other => Err(Fault::unexpected(other)),
    }
}

/// How many there were.
pub(super) fn count(value: &Value) -> Result<u64, Fault> {
    number(value)?.try_into().map_err(|_| Fault::Garbage("a count below zero".into()))
}

/// Bytes, or nothing.
pub(super) fn bytes(value: &Value) -> Result<Option<&[u8]>, Fault> {
    match value {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::Nil => Ok(None),
        other => Err(Fault::unexpected(other)),
    }
}

/// A text that says a number.
pub(super) fn number_in_text(value: &Value) -> Result<u64, Fault> {
    let text = bytes(value)?.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or_else(|| Fault::Garbage("a text where a number should be".into()))
}

/// A list.
pub(super) fn list(value: &Value) -> Result<&[Value], Fault> {
    match value {
        Value::Array(values) => Ok(values),
        other => Err(Fault::unexpected(other)),
    }
}

/// What says that something was done.
pub(super) fn done(value: &Value) -> Result<(), Fault> {
    match value {
        Value::Okay => Ok(()),
        other => Err(Fault::unexpected(other)),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nothing",
        Value::Int(_) => "a number",
        Value::BulkString(_) | Value::SimpleString(_) | Value::VerbatimString { .. } => "a text",
        Value::Array(_) | Value::Set(_) => "a list",
        Value::Map(_) => "a map",
        Value::Okay => "`OK`",
        _ => "a value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_error(text: &[u8]) -> Value {
        redis::parse_redis_value(text).unwrap()
    }

    #[test]
    fn errors_that_pass_are_no_refusals() {
        let fault = Fault::unexpected(&server_error(b"-LOADING Redis is loading\r\n"));
        assert_eq!(fault, Fault::Away("LOADING Redis is loading".into()));
        let fault = Fault::unexpected(&server_error(b"-WRONGPASS invalid\r\n"));
        assert_eq!(fault, Fault::Refused("WRONGPASS invalid".into()));
        assert!(matches!(Fault::unexpected(&Value::Int(1)), Fault::Garbage(_)));
    }

    #[test]
    fn a_forgotten_script_is_found_within_a_transaction() {
        let forgotten = server_error(b"*2\r\n-NOSCRIPT No matching script\r\n+OK\r\n");
        assert!(forgot_script(&forgotten));
        assert!(!forgot_script(&server_error(b"*1\r\n-ERR no such key\r\n")));
    }
}
