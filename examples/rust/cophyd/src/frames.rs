//! Frames in a file that the IOC wrote.

use crate::error::{c_string, call, Error, Result};
use crate::{seconds, sys};
use std::ffi::CStr;
use std::mem;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::time::Duration;

/// An open file, freed when dropped.
pub struct Frames(*mut sys::oph_frames);

// SAFETY: any thread may read, several at once.
unsafe impl Send for Frames {}
unsafe impl Sync for Frames {}

impl Drop for Frames {
    fn drop(&mut self) {
        unsafe { sys::oph_frames_free(self.0) }
    }
}

/// What is in a file.
pub struct Info {
    /// `[frames, rows, columns]`.
    pub shape: Vec<usize>,
    /// "int32".
    pub dtype: String,
}

mod sealed {
    /// # Safety
    /// DTYPE is C's name for exactly this type, of which any bits are a value.
    pub unsafe trait Dtype: Copy + Default {
        const DTYPE: crate::sys::oph_dtype;
    }
}

/// The types that a pixel can have.
pub trait Pixel: sealed::Dtype {}

macro_rules! pixels {
    ($($rust:ty = $c:ident),*) => { $(
        unsafe impl sealed::Dtype for $rust {
            const DTYPE: sys::oph_dtype = sys::$c;
        }
        impl Pixel for $rust {}
    )* };
}

pixels!(
    i8 = OPH_INT8,
    u8 = OPH_UINT8,
    i16 = OPH_INT16,
    u16 = OPH_UINT16,
    i32 = OPH_INT32,
    u32 = OPH_UINT32,
    i64 = OPH_INT64,
    u64 = OPH_UINT64,
    f32 = OPH_FLOAT32,
    f64 = OPH_FLOAT64
);

impl Frames {
    /// Opens areaDetector's image dataset; a file that is not all there yet is waited for.
    pub fn open(file: &Path, timeout: Option<Duration>) -> Result<Frames> {
        let file = c_string(file.as_os_str().as_bytes())?;
        let mut frames = ptr::null_mut();
        call(|err| unsafe {
            sys::oph_frames_open(
                file.as_ptr(),
                ptr::null(),
                seconds(timeout),
                &mut frames,
                err,
            )
        })?;
        Ok(Frames(frames))
    }

    pub fn info(&self) -> Result<Info> {
        let info = self.describe()?;
        let shape = &info.shape[..info.rank as usize];
        Ok(Info {
            shape: shape.iter().map(|&n| n as usize).collect(),
            dtype: dtype_name(info.dtype),
        })
    }

    /// `count` frames from number `first` on, one after the other, in the type that the file has:
    /// another one is an error.
    pub fn read<T: Pixel>(&self, first: usize, count: usize) -> Result<Vec<T>> {
        let info = self.describe()?;
        if info.dtype != T::DTYPE {
            return Err(Error::new(
                sys::OPH_ETYPE,
                &format!(
                    "wanted {} pixels, found {}",
                    dtype_name(T::DTYPE),
                    dtype_name(info.dtype)
                ),
            ));
        }
        let frame = info.frame_bytes as usize / mem::size_of::<T>();
        let there = count.min(info.shape[0] as usize); // C refuses to read more
        let mut pixels = vec![T::default(); frame * there];
        call(|err| unsafe {
            sys::oph_frames_read(
                self.0,
                first as i64,
                count as i64,
                pixels.as_mut_ptr().cast(),
                mem::size_of_val(&pixels[..]),
                err,
            )
        })?;
        Ok(pixels)
    }

    fn describe(&self) -> Result<sys::oph_frames_info> {
        let mut info = sys::oph_frames_info {
            size: mem::size_of::<sys::oph_frames_info>() as u32,
            ..Default::default()
        };
        call(|err| unsafe { sys::oph_frames_describe(self.0, &mut info, err) })?;
        Ok(info)
    }
}

fn dtype_name(dtype: i32) -> String {
    // SAFETY: the name is static.
    let name = unsafe { CStr::from_ptr(sys::oph_dtype_name(dtype)) };
    name.to_string_lossy().into_owned()
}
