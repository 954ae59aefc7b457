//! Devices, what is between staging and unstaging, and the status of a trigger.

use crate::error::{c_string, call, call_for_text, call_with_report, Error, Result};
use crate::{seconds, sys, Context};
use std::ffi::{CStr, OsString};
use std::fmt;
use std::mem;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::ptr;
use std::time::Duration;

/// A tree of signals, made from a class and a PV prefix. It is unstaged and freed when dropped.
pub struct Device(*mut sys::oph_device);

// SAFETY: any thread may call; what only one at a time may do takes &mut.
unsafe impl Send for Device {}
unsafe impl Sync for Device {}

impl Drop for Device {
    fn drop(&mut self) {
        unsafe { sys::oph_device_free(self.0) }
    }
}

/// What is put, or staged: by itself a number or text.
pub enum Value<'a> {
    Int(i64),
    Double(f64),
    Text(&'a str),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Value::Double(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(value)
    }
}

impl Device {
    /// Needs no network. `name` is how errors call it.
    pub fn new(ctx: &Context, class: &str, prefix: &str, name: &str) -> Result<Device> {
        let (class, prefix, name) = (c_string(class)?, c_string(prefix)?, c_string(name)?);
        let mut device = ptr::null_mut();
        call(|err| unsafe {
            sys::oph_device_new(
                ctx.0 .0,
                class.as_ptr(),
                prefix.as_ptr(),
                name.as_ptr(),
                &mut device,
                err,
            )
        })?;
        Ok(Device(device))
    }

    /// Connects all that staging and triggering need. Returns where the IOC is otherwise than the
    /// class says; the error's report has each PV that was not found.
    pub fn connect(&self, timeout: Option<Duration>) -> Result<Vec<Error>> {
        call_with_report(|report, err| unsafe {
            sys::oph_connect(self.0, seconds(timeout), report, err)
        })
    }

    /// Puts a value, waits for the IOC to be done with it and for the readback to follow.
    pub fn put<'a>(&self, path: &str, value: impl Into<Value<'a>>) -> Result<()> {
        let path = c_string(path)?;
        match value.into() {
            Value::Int(i) => call(|err| unsafe { sys::oph_put_int(self.0, path.as_ptr(), i, err) }),
            Value::Double(x) => {
                call(|err| unsafe { sys::oph_put_double(self.0, path.as_ptr(), x, err) })
            }
            Value::Text(text) => {
                let text = c_string(text)?;
                call(|err| unsafe { sys::oph_put_text(self.0, path.as_ptr(), text.as_ptr(), err) })
            }
        }
    }

    /// A fresh value from the IOC as text: an enum's label, a number's digits.
    pub fn get_text(&self, path: &str) -> Result<String> {
        let path = c_string(path)?;
        let text = call_for_text(|buffer, size, err| unsafe {
            sys::oph_get_text(self.0, path.as_ptr(), buffer, size, err)
        })?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    pub fn get_double(&self, path: &str) -> Result<f64> {
        let path = c_string(path)?;
        let mut value = 0.0;
        call(|err| unsafe { sys::oph_get_double(self.0, path.as_ptr(), &mut value, err) })?;
        Ok(value)
    }

    /// Adds a setting for `stage` to a child's list, or gives one another value.
    pub fn set<'a>(&mut self, child: &str, key: &str, value: impl Into<Value<'a>>) -> Result<()> {
        let child = self.child(child)?;
        let key = c_string(key)?;
        match value.into() {
            Value::Int(i) => {
                call(|err| unsafe { sys::oph_settings_set_int(child, key.as_ptr(), i, err) })
            }
            Value::Double(x) => {
                call(|err| unsafe { sys::oph_settings_set_double(child, key.as_ptr(), x, err) })
            }
            Value::Text(text) => {
                let text = c_string(text)?;
                call(|err| unsafe {
                    sys::oph_settings_set_text(child, key.as_ptr(), text.as_ptr(), err)
                })
            }
        }
    }

    /// Where a plugin writes, as the IOC names that folder and as this machine does. `%Y` and the
    /// like are expanded once a stage, in both.
    pub fn set_folders(&mut self, plugin: &str, write: &str, read: &str) -> Result<()> {
        let (write, read) = (c_string(write)?, c_string(read)?);
        let plugin = self.child(plugin)?;
        call(|err| unsafe { sys::oph_files_set(plugin, write.as_ptr(), read.as_ptr(), err) })
    }

    /// The file of the latest acquisition that succeeded, as the IOC names it.
    pub fn ioc_file(&self, plugin: &str) -> Result<String> {
        let name = self.file_name(plugin, sys::OPH_SIDE_IOC)?;
        Ok(String::from_utf8_lossy(&name).into_owned())
    }

    /// The same as this machine names it.
    pub fn local_file(&self, plugin: &str) -> Result<PathBuf> {
        let name = self.file_name(plugin, sys::OPH_SIDE_LOCAL)?;
        Ok(OsString::from_vec(name).into())
    }

    /// Writes the settings in order, each checked, after saving the originals. On failure all is
    /// back as before, and the report has everything that was wrong.
    pub fn stage(&self) -> Result<Staged<'_>> {
        call_with_report(|report, err| unsafe { sys::oph_stage(self.0, report, err) })?;
        Ok(Staged { device: self })
    }

    /// Ends an acquisition that another thread waits for; that one fails with OPH_ECANCEL.
    pub fn stop(&self) -> Result<()> {
        call(|err| unsafe { sys::oph_stop(self.0, err) })
    }

    /// Borrowed from the device, so it is not handed out.
    fn child(&self, path: &str) -> Result<*mut sys::oph_device> {
        let path = c_string(path)?;
        let mut child = ptr::null_mut();
        call(|err| unsafe { sys::oph_device_child(self.0, path.as_ptr(), &mut child, err) })?;
        Ok(child)
    }

    fn file_name(&self, plugin: &str, side: sys::oph_side) -> Result<Vec<u8>> {
        let plugin = self.child(plugin)?;
        call_for_text(|buffer, size, err| unsafe {
            sys::oph_file_name(plugin, side, buffer, size, err)
        })
    }

    fn put_back(&self) -> Result<Vec<Error>> {
        call_with_report(|report, err| unsafe { sys::oph_unstage(self.0, report, err) })
    }
}

/// A staged device. Dropped, also by a panic, it puts back what staging changed; what cannot be put
/// back is then told on standard error.
#[must_use = "it unstages when it is dropped"]
pub struct Staged<'a> {
    device: &'a Device,
}

impl Staged<'_> {
    pub fn device(&self) -> &Device {
        self.device
    }

    /// Starts an acquisition.
    pub fn trigger(&self) -> Result<Status> {
        let mut status = ptr::null_mut();
        call(|err| unsafe { sys::oph_trigger(self.device.0, &mut status, err) })?;
        Ok(Status(status))
    }

    /// Puts back what staging changed. Returns what was kept since somebody else changed it
    /// meanwhile; the error's report also has what could not be put back.
    pub fn unstage(self) -> Result<Vec<Error>> {
        let device = self.device;
        mem::forget(self);
        device.put_back()
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        let left = self.device.put_back();
        for error in left.as_deref().unwrap_or_else(Error::report) {
            eprintln!("cophyd: {}", error);
        }
    }
}

/// How an acquisition is going. Clones are the same one.
pub struct Status(*mut sys::oph_status);

// SAFETY: any thread may use it.
unsafe impl Send for Status {}
unsafe impl Sync for Status {}

impl Clone for Status {
    fn clone(&self) -> Self {
        Status(unsafe { sys::oph_status_ref(self.0) })
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        unsafe { sys::oph_status_unref(self.0) }
    }
}

impl Status {
    /// Waits for the end, and says whether it is a good one.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<()> {
        call(|err| unsafe { sys::oph_status_wait(self.0, seconds(timeout), err) })
    }

    pub fn is_done(&self) -> bool {
        unsafe { sys::oph_status_done(self.0) != 0 }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; 256];
        // SAFETY: C writes a text with its NUL into the buffer, and returns that.
        let text = unsafe {
            let text = sys::oph_status_text(self.0, buffer.as_mut_ptr(), buffer.len());
            CStr::from_ptr(text)
        };
        f.write_str(&text.to_string_lossy())
    }
}
