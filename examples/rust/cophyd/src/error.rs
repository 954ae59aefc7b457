//! From C's codes, errors, reports and texts to Rust's, and back.

use crate::sys;
use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::fmt;
use std::os::raw::{c_char, c_int};
use std::ptr;

pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong. Its text is one sentence that names the device and the PV, what was wanted and
/// what was found.
pub struct Error {
    first: Box<sys::oph_error>,
    report: Vec<Error>,
}

impl Error {
    /// One of our own.
    pub(crate) fn new(code: i32, sentence: &str) -> Error {
        let mut first = Box::new(sys::oph_error {
            code,
            waited: -1.0,
            ..Default::default()
        });
        let room = first.text.len() - 1;
        for (to, from) in first.text[..room].iter_mut().zip(sentence.bytes()) {
            *to = from as c_char;
        }
        Error {
            first,
            report: Vec::new(),
        }
    }

    /// One of `sys::OPH_E...`.
    pub fn code(&self) -> i32 {
        self.first.code
    }

    /// "OPH_ETIMEOUT".
    pub fn name(&self) -> Cow<'static, str> {
        // SAFETY: the name is static.
        unsafe { CStr::from_ptr(sys::oph_code_name(self.first.code)) }.to_string_lossy()
    }

    /// "det.cam.acquire_time"; empty where it is of no device.
    pub fn device(&self) -> Cow<'_, str> {
        text(&self.first.device)
    }

    /// "Pilatus:cam1:AcquireTime"; empty where it is of no PV.
    pub fn pv(&self) -> Cow<'_, str> {
        text(&self.first.pv)
    }

    /// All that was wrong, where a call can find several things: this error is the first of them.
    pub fn report(&self) -> &[Error] {
        &self.report
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(&self.first.text))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self)
    }
}

impl std::error::Error for Error {}

fn text(field: &[c_char]) -> Cow<'_, str> {
    // SAFETY: C ends each field with a NUL.
    unsafe { CStr::from_ptr(field.as_ptr()) }.to_string_lossy()
}

/// Makes a Result of C's code and its oph_error.
pub(crate) fn call(f: impl FnOnce(*mut sys::oph_error) -> c_int) -> Result<()> {
    let mut first = sys::oph_error::default();
    if f(&mut first) == 0 {
        return Ok(());
    }
    Err(Error {
        first: Box::new(first),
        report: Vec::new(),
    })
}

/// The same of a call that reports: what it reports is the success, or with the error.
pub(crate) fn call_with_report(
    f: impl FnOnce(*mut *mut sys::oph_report, *mut sys::oph_error) -> c_int,
) -> Result<Vec<Error>> {
    let mut report = ptr::null_mut();
    let done = call(|err| f(&mut report, err));
    // SAFETY: the report is ours, or NULL, which is an empty one.
    let entries = unsafe {
        let entries = (0..sys::oph_report_count(report))
            .map(|i| Error {
                first: Box::new(*sys::oph_report_at(report, i)),
                report: Vec::new(),
            })
            .collect();
        sys::oph_report_free(report);
        entries
    };
    match done {
        Ok(()) => Ok(entries),
        Err(error) => Err(Error {
            report: entries,
            ..error
        }),
    }
}

/// The bytes that C writes into a buffer with a size.
pub(crate) fn call_for_text(
    f: impl FnOnce(*mut c_char, usize, *mut sys::oph_error) -> c_int,
) -> Result<Vec<u8>> {
    let mut buffer = vec![0u8; 4096];
    call(|err| f(buffer.as_mut_ptr().cast(), buffer.len(), err))?;
    buffer.truncate(buffer.iter().position(|&b| b == 0).unwrap_or(buffer.len()));
    Ok(buffer)
}

/// C's texts end with a NUL and cannot have another.
pub(crate) fn c_string(text: impl Into<Vec<u8>>) -> Result<CString> {
    CString::new(text).map_err(|error| {
        let found = format!("wanted a text without NUL, found {}", error);
        Error::new(sys::OPH_EINVAL, &found)
    })
}
