//! PostgreSQL's binary form of rows (`COPY … (FORMAT binary)`): a header, then rows of fields with their lengths.
//!
//! Pure functions of bytes. Source: PostgreSQL's manual, COPY, "Binary Format". Days count from 2000-01-01 there.

use bytes::{BufMut, BytesMut};

/// The header: a signature, no flags, no extension.
const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Days from 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;

/// A daily bar as a row has it; a missing number is `None`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowCells<'a> {
    /// The symbol, as spelled there.
    pub symbol: &'a str,
    /// Days since 1970-01-01.
    pub day: i32,
    /// Open, high, low, close, volume, adjusted close; whatever is no number is missing.
    pub numbers: [Option<f64>; 6],
}

/// Reads rows of (text, date, six times float8).
///
/// # Errors
/// What is wrong with the bytes.
pub fn read<'a>(bytes: &'a [u8], mut each: impl FnMut(RowCells<'a>)) -> Result<(), &'static str> {
    let mut rest = bytes
        .strip_prefix(HEADER.as_slice())
        .ok_or("no header of binary rows")?;
    loop {
        match i16::from_be_bytes(*taken(&mut rest)?) {
            -1 if rest.is_empty() => return Ok(()),
            8 => {}
            _ => return Err("a row has not eight fields"),
        }
        let symbol = field(&mut rest)?.ok_or("a row has no symbol")?;
        let symbol = std::str::from_utf8(symbol).map_err(|_| "a symbol is not UTF-8")?;
        let day = field(&mut rest)?.ok_or("a row has no date")?;
        let day = i32::from_be_bytes(day.try_into().map_err(|_| "a date has not four bytes")?);
        // The least and the greatest stand for the infinities.
        let day = day.checked_add(EPOCH_DAYS).filter(|_| day != i32::MIN);
        let day = day.ok_or("a date is infinite")?;
        let mut numbers = [None; 6];
        for number in &mut numbers {
            if let Some(value) = field(&mut rest)? {
                let value = f64::from_be_bytes(value.try_into().map_err(|_| "a number has not eight bytes")?);
                *number = value.is_finite().then_some(value);
            }
        }
        each(RowCells { symbol, day, numbers });
    }
}

/// Begins rows.
pub fn begin(out: &mut BytesMut) {
    out.put_slice(HEADER);
}

/// Adds a row of (ordinal int8, text, date, six times float8).
///
/// # Panics
/// When the date is before PostgreSQL's calendar by more than 32 bits of days, which no calendar day is.
pub fn put(out: &mut BytesMut, ordinal: i64, row: &RowCells<'_>) {
    out.put_i16(9);
    out.put_i32(8);
    out.put_i64(ordinal);
    let length = i32::try_from(row.symbol.len()).expect("a symbol is short");
    out.put_i32(length);
    out.put_slice(row.symbol.as_bytes());
    out.put_i32(4);
    out.put_i32(row.day.checked_sub(EPOCH_DAYS).expect("a calendar day"));
    for number in row.numbers {
        match number {
            Some(value) => {
                out.put_i32(8);
                out.put_f64(value);
            }
            None => out.put_i32(-1),
        }
    }
}

/// Ends rows.
pub fn end(out: &mut BytesMut) {
    out.put_i16(-1);
}

fn taken<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], &'static str> {
    let (head, tail) = rest
        .split_first_chunk::<N>()
        .ok_or("the rows end in the middle of one")?;
    *rest = tail;
    Ok(head)
}

fn field<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, &'static str> {
    let length = i32::from_be_bytes(*taken(rest)?);
    if length == -1 {
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| "a field has a negative length")?;
    let (head, tail) = rest
        .split_at_checked(length)
        .ok_or("the rows end in the middle of one")?;
    *rest = tail;
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(symbol: &str, day: i32, close: f64) -> Vec<u8> {
        let mut out = BytesMut::new();
        out.put_i16(8);
        out.put_i32(i32::try_from(symbol.len()).unwrap());
        out.put_slice(symbol.as_bytes());
        out.put_i32(4);
        out.put_i32(day);
        for number in [1.0, 2.0, 0.5, close, 9.0] {
            out.put_i32(8);
            out.put_f64(number);
        }
        out.put_i32(-1);
        out.to_vec()
    }

    #[test]
    fn rows_are_read_and_damage_is_told() {
        let whole = [HEADER.as_slice(), &row("A", 5_844, f64::NAN), &[0xff, 0xff]].concat();
        let mut rows = Vec::new();
        read(&whole, |row| rows.push(row)).unwrap();
        let numbers = [Some(1.0), Some(2.0), Some(0.5), None, Some(9.0), None];
        assert_eq!(
            rows,
            [RowCells {
                symbol: "A",
                day: 16_801,
                numbers
            }]
        );
        for length in 0..whole.len() {
            assert!(read(&whole[..length], |_| {}).is_err(), "{length}");
        }
        for day in [i32::MIN, i32::MAX] {
            let infinite = [HEADER.as_slice(), &row("A", day, 1.0)].concat();
            assert_eq!(read(&infinite, |_| {}), Err("a date is infinite"));
        }
    }
}
