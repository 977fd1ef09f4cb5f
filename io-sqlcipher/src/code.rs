//! How core's small types look in a column: enumerations as numbers that never change their meaning, and the few ways to
//! read a column back. What does not decode is a damaged file, and says so.

use rusqlite::Row;
use rusqlite::types::Type;
use sotto_core::row::{ContentType, DeliveryState, FailReason, Relationship};
use sotto_core::{Availability, MessageId, Pause, Wall};

/// A type that is stored as a number.
pub(crate) trait Code: Copy {
    /// Its number.
    fn code(self) -> i64;
    /// What the number stands for.
    fn from_code(code: i64) -> Option<Self>;
}

macro_rules! codes {
    ($type:ty: $($code:literal = ($($value:tt)+)),+ $(,)?) => {
        impl Code for $type {
            fn code(self) -> i64 {
                match self {
                    $($($value)+ => $code,)+
                }
            }

            fn from_code(code: i64) -> Option<Self> {
                match code {
                    $($code => Some($($value)+),)+
                    _ => None,
                }
            }
        }
    };
}

codes!(bool: 0 = (false), 1 = (true));
codes!(Availability: 0 = (Self::Online), 1 = (Self::Away), 2 = (Self::Invisible));
// The schema's partial indexes name some of these numbers.
codes!(DeliveryState:
    0 = (Self::Queued),
    1 = (Self::Sent),
    2 = (Self::Delivered),
    3 = (Self::Read),
    4 = (Self::Failed(FailReason::Expired)),
    5 = (Self::Failed(FailReason::Removed)),
    6 = (Self::Cancelled),
);
codes!(Option<Pause>:
    0 = (None),
    1 = (Some(Pause::Quota)),
    2 = (Some(Pause::Reserve)),
    3 = (Some(Pause::Pace)),
);
codes!(ContentType: 0 = (Self::Plain), 1 = (Self::Markdown), 2 = (Self::Unsupported));
codes!(Relationship:
    0 = (Self::Stranger),
    1 = (Self::Requested),
    2 = (Self::RequestDelivered),
    3 = (Self::RequestDeclined),
    4 = (Self::Asking),
    5 = (Self::Declined),
    6 = (Self::Friend),
);

/// What an outbox row carries, as a column.
#[derive(Clone, Copy)]
pub(crate) enum OutboxKind {
    Text,
    Edit,
    Serialised,
    Obsolete,
}

codes!(OutboxKind: 0 = (Self::Text), 1 = (Self::Edit), 2 = (Self::Serialised), 3 = (Self::Obsolete));

/// A number that rows are ordered by. Beyond the i64 range (as a moment: in 292 million years) all numbers are one.
pub(crate) fn ordered(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The column does not hold what it should.
pub(crate) fn undecodable(index: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Null, format!("not a {what}").into())
}

/// What is damaged, by its name in the schema.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Damage(pub String);

impl From<Damage> for rusqlite::Error {
    fn from(damage: Damage) -> Self {
        Self::FromSqlConversionFailure(0, Type::Null, Box::new(damage))
    }
}

/// What was read of a table's row; a column that cannot be read is named.
pub(crate) fn of<T>(table: &str, row: &Row<'_>, read: rusqlite::Result<T>) -> rusqlite::Result<T> {
    use rusqlite::Error;
    read.map_err(|error| {
        let (index, found) = match error {
            Error::FromSqlConversionFailure(index, _, found) if !found.is::<Damage>() => (index, found.to_string()),
            Error::IntegralValueOutOfRange(index, number) => (index, format!("{number} is out of range")),
            Error::InvalidColumnType(index, _, found) => (index, format!("wrong type {found}")),
            Error::Utf8Error(index, found) => (index, found.to_string()),
            error => return error,
        };
        let column = row.as_ref().column_name(index).unwrap_or("?");
        Damage(format!("{table}.{column}: {found}")).into()
    })
}

/// What was read of the row with that number, which another row has named, and which must be there.
pub(crate) fn named<T>(table: &str, number: i64, read: rusqlite::Result<T>) -> rusqlite::Result<T> {
    read.map_err(|error| match error {
        rusqlite::Error::QueryReturnedNoRows => Damage(format!("{table}.number: none is {number}")).into(),
        error => error,
    })
}

/// Typed columns of a result row.
pub(crate) trait Columns {
    fn u64(&self, index: usize) -> rusqlite::Result<u64>;
    fn wall(&self, index: usize) -> rusqlite::Result<Wall>;
    fn maybe_wall(&self, index: usize) -> rusqlite::Result<Option<Wall>>;
    fn id(&self, index: usize) -> rusqlite::Result<MessageId>;
    fn maybe_id(&self, index: usize) -> rusqlite::Result<Option<MessageId>>;
    fn code<T: Code>(&self, index: usize) -> rusqlite::Result<T>;
    fn maybe_code<T: Code>(&self, index: usize) -> rusqlite::Result<Option<T>>;
}

impl Columns for Row<'_> {
    fn u64(&self, index: usize) -> rusqlite::Result<u64> {
        self.get(index).map(i64::cast_unsigned)
    }

    fn wall(&self, index: usize) -> rusqlite::Result<Wall> {
        self.u64(index).map(Wall)
    }

    fn maybe_wall(&self, index: usize) -> rusqlite::Result<Option<Wall>> {
        let moment: Option<i64> = self.get(index)?;
        Ok(moment.map(|moment| Wall(moment.cast_unsigned())))
    }

    fn id(&self, index: usize) -> rusqlite::Result<MessageId> {
        self.get(index).map(MessageId)
    }

    fn maybe_id(&self, index: usize) -> rusqlite::Result<Option<MessageId>> {
        let id: Option<[u8; 16]> = self.get(index)?;
        Ok(id.map(MessageId))
    }

    fn code<T: Code>(&self, index: usize) -> rusqlite::Result<T> {
        T::from_code(self.get(index)?).ok_or_else(|| undecodable(index, "known code"))
    }

    fn maybe_code<T: Code>(&self, index: usize) -> rusqlite::Result<Option<T>> {
        let code: Option<i64> = self.get(index)?;
        code.map(|code| T::from_code(code).ok_or_else(|| undecodable(index, "known code")))
            .transpose()
    }
}
