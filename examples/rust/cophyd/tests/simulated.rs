//! Against cophyd-sim, which each test starts for itself.

use cophyd::{sys, Context, Device, Error, Frames, Staged};
use std::ffi::{CStr, CString};
use std::os::raw::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::ptr;
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

const CLASSES: &str = "\
class Detector : SingleTrigger PilatusDetector
dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite
stage cam  image_mode=Single num_images=1 acquire_time=0.02 acquire_period=0.03
stage hdf1 lazy_open=1
";

/// Channel Access is told where to look by this process's environment: one simulator at a time.
static ONE: Mutex<()> = Mutex::new(());

struct Simulator {
    sim: *mut sys::oph_simulator,
    folder: PathBuf,
    _one: MutexGuard<'static, ()>,
}

impl Simulator {
    fn start(arguments: &[&str]) -> Simulator {
        let one = ONE.lock().unwrap_or_else(|failed| failed.into_inner());
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(std::process::id().to_string());
        std::fs::create_dir_all(&folder).unwrap();
        let raw = folder.to_str().unwrap();
        let words: Vec<CString> = [&["--instant", "--size", "487x195", "--raw", raw], arguments]
            .concat()
            .into_iter()
            .map(|word| CString::new(word).unwrap())
            .collect();
        let mut pointers: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).collect();
        pointers.push(ptr::null());
        let mut sim = ptr::null_mut();
        let mut err = sys::oph_error::default();
        unsafe {
            let started = sys::oph_simulator_start(pointers.as_ptr(), &mut sim, &mut err);
            assert_eq!(started, 0, "{:?}", CStr::from_ptr(err.text.as_ptr()));
            assert_eq!(sys::oph_simulator_use(&sim, 1, &mut err), 0);
        }
        Simulator {
            sim,
            folder,
            _one: one,
        }
    }

    /// A context with the classes, and a detector that writes into the simulator's folder.
    fn detector(&self) -> (Context, Device) {
        let ctx = Context::new().unwrap();
        ctx.parse(CLASSES, "simulated.rs").unwrap();
        let mut det = Device::new(&ctx, "Detector", "Pilatus:", "det").unwrap();
        let folder = self.folder.to_str().unwrap();
        det.set_folders("hdf1", folder, folder).unwrap();
        (ctx, det)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        unsafe { sys::oph_simulator_stop(self.sim, ptr::null_mut()) };
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// What staging changes, as another client sees it.
fn settings() -> Vec<String> {
    let ctx = Context::new().unwrap();
    ctx.parse(CLASSES, "simulated.rs").unwrap();
    let det = Device::new(&ctx, "Detector", "Pilatus:", "other").unwrap();
    [
        "cam.acquire_time",
        "cam.image_mode",
        "hdf1.lazy_open",
        "hdf1.file_write_mode",
        "hdf1.file_path",
        "hdf1.capture",
    ]
    .iter()
    .map(|path| format!("{}={}", path, det.get_text(path).unwrap()))
    .collect()
}

fn fails<T>(result: Result<T, Error>, code: sys::oph_code) -> Error {
    match result {
        Ok(_) => panic!("wanted error {}, found success", code),
        Err(error) => {
            assert_eq!(error.code(), code, "{:?}", error);
            error
        }
    }
}

#[test]
fn takes_a_picture_and_reads_every_pixel() {
    let sim = Simulator::start(&[]);
    let (_ctx, det) = sim.detector();
    let before = settings();
    let staged = det.stage().unwrap();
    assert_ne!(settings(), before);
    let status = staged.trigger().unwrap();
    status.wait(None).unwrap();
    assert!(status.is_done());
    assert_eq!(
        status.to_string(),
        "ADTriggerStatus(device=det, done=True, success=True)"
    );
    assert_eq!(staged.unstage().unwrap().len(), 0);
    assert_eq!(settings(), before);

    let frames = Frames::open(&det.local_file("hdf1").unwrap(), None).unwrap();
    let info = frames.info().unwrap();
    assert_eq!(info.shape, [1, 195, 487]);
    assert_eq!(info.dtype, "int32");
    let pixels: Vec<i32> = frames.read(0, 1).unwrap();
    let first = pixels[0];
    for (i, &pixel) in pixels.iter().enumerate() {
        let (y, x) = ((i / 487) as i32, (i % 487) as i32);
        assert_eq!(pixel, (first + 2500 * y + x) % 1_048_576, "at {}, {}", y, x);
    }
    let error = fails(frames.read::<u16>(0, 1), sys::OPH_ETYPE);
    assert_eq!(error.to_string(), "wanted uint16 pixels, found int32");
    fails(frames.read::<i32>(0, 2), sys::OPH_ERANGE);
    fails(frames.read::<i32>(0, usize::MAX), sys::OPH_ERANGE);
}

#[test]
fn a_panic_unstages() {
    let sim = Simulator::start(&[]);
    let (_ctx, det) = sim.detector();
    let before = settings();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let staged = det.stage().unwrap();
        staged.trigger().unwrap().wait(None).unwrap();
        assert_ne!(settings(), before);
        panic!("on purpose");
    }));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"on purpose"));
    assert_eq!(settings(), before);
    det.stage().unwrap().unstage().unwrap();
}

#[test]
fn a_forgotten_guard_unstages_with_its_device() {
    let sim = Simulator::start(&[]);
    let (_ctx, det) = sim.detector();
    let before = settings();
    std::mem::forget(det.stage().unwrap());
    fails(det.stage().map(drop), sys::OPH_ESTATE);
    assert_ne!(settings(), before);
    drop(det);
    assert_eq!(settings(), before);
}

#[test]
fn a_failed_trigger_says_why() {
    let sim = Simulator::start(&["--fault", "ExposureFails"]);
    let (_ctx, det) = sim.detector();
    let before = settings();
    let staged = det.stage().unwrap();
    let error = fails(staged.trigger().unwrap().wait(None), sys::OPH_EACQUIRE);
    assert_eq!(error.name(), "OPH_EACQUIRE");
    assert!(error.device().starts_with("det"), "{}", error.device());
    assert!(error.to_string().contains("DetectorState"), "{}", error);
    drop(staged);
    assert_eq!(settings(), before);
    fails(det.local_file("hdf1"), sys::OPH_ESTATE);
}

/// A staged detector that would expose for a minute.
fn stage_slowly(det: &mut Device) -> Staged<'_> {
    det.set("cam", "acquire_time", 60.0).unwrap();
    det.set("cam", "acquire_period", 61.0).unwrap();
    det.stage().unwrap()
}

#[test]
fn another_thread_stops_an_acquisition() {
    let sim = Simulator::start(&[]);
    let (_ctx, mut det) = sim.detector();
    let before = settings();
    let staged = stage_slowly(&mut det);
    let status = staged.trigger().unwrap();
    fails(status.wait(Some(Duration::ZERO)), sys::OPH_ETIMEOUT);
    thread::scope(|threads| {
        let waiting = status.clone();
        let waiter = threads.spawn(move || waiting.wait(None));
        threads.spawn(|| staged.device().stop().unwrap());
        fails(waiter.join().unwrap(), sys::OPH_ECANCEL);
    });
    assert!(status.is_done());
    staged.unstage().unwrap();
    assert_eq!(settings(), before);
}

#[test]
fn an_interrupt_ends_what_blocks_and_all_is_put_back() {
    let sim = Simulator::start(&[]);
    let (ctx, mut det) = sim.detector();
    let before = settings();
    let staged = stage_slowly(&mut det);
    let status = staged.trigger().unwrap();
    thread::scope(|threads| {
        threads.spawn(|| ctx.interrupt());
        fails(status.wait(None), sys::OPH_EINTR);
    });
    drop(staged);
    fails(status.wait(None), sys::OPH_ECANCEL);
    assert_eq!(settings(), before);
}

#[test]
fn wrong_settings_are_all_reported() {
    let sim = Simulator::start(&[]);
    let (_ctx, mut det) = sim.detector();
    det.set("cam", "image_mode", "Sinlge").unwrap();
    det.set("hdf1", "compression", "LZ5").unwrap();
    let error = fails(det.stage().map(drop), sys::OPH_ERANGE);
    assert_eq!(error.report().len(), 2, "{:?}", error.report());
    assert_eq!(error.to_string(), error.report()[0].to_string());
    assert_eq!(
        error.to_string(),
        "det.cam.image_mode (Pilatus:cam1:ImageMode): wanted Sinlge, \
         found labels Single, Multiple, Continuous"
    );
    assert_eq!(error.pv(), "Pilatus:cam1:ImageMode");
    assert!(error.report()[1].to_string().contains("wanted LZ5"));
}

#[test]
fn a_pv_that_is_not_there_is_named() {
    let sim = Simulator::start(&[]);
    let (ctx, _det) = sim.detector();
    let det = Device::new(&ctx, "Detector", "NoSuch:", "det").unwrap();
    let error = fails(
        det.connect(Some(Duration::from_millis(300))),
        sys::OPH_EDISCONN,
    );
    assert!(error.report().len() > 1);
    assert_eq!(error.pv(), "NoSuch:cam1:Acquire");
    assert!(error.to_string().contains("after 0.3 s"), "{}", error);
}

#[test]
fn values_go_there_and_back() {
    let sim = Simulator::start(&[]);
    let (_ctx, det) = sim.detector();
    det.put("cam.acquire_time", 0.25).unwrap();
    assert_eq!(det.get_double("cam.acquire_time").unwrap(), 0.25);
    det.put("cam.image_mode", "Multiple").unwrap();
    assert_eq!(det.get_text("cam.image_mode").unwrap(), "Multiple");
    det.put("cam.num_images", 7).unwrap();
    assert_eq!(det.get_text("cam.num_images").unwrap(), "7");
    fails(det.put("cam.manufacturer", "us"), sys::OPH_EACCESS);
}
