//! What needs no IOC.

use cophyd::{sys, Context, Device, Error, Frames, Staged, Status};
use std::path::Path;

#[test]
fn handles_go_to_other_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Context>();
    shared::<Device>();
    shared::<Staged<'static>>();
    shared::<Status>();
    shared::<Frames>();
}

#[test]
fn a_device_holds_its_context() {
    let ctx = Context::new().unwrap();
    ctx.parse("class Mine : PilatusDetector\n", "alone.rs")
        .unwrap();
    let mut det = Device::new(&ctx, "Mine", "Pilatus:", "det").unwrap();
    drop(ctx);
    det.set("cam", "num_images", 3).unwrap();
}

#[test]
fn an_unknown_class_is_an_error_that_names_the_nearest() {
    let ctx = Context::new().unwrap();
    let error = Device::new(&ctx, "PilatusDetectr", "Pilatus:", "det")
        .err()
        .unwrap();
    assert_eq!(error.code(), sys::OPH_ENOTFOUND);
    assert_eq!(
        error.to_string(),
        "there is no class PilatusDetectr; the nearest is PilatusDetector"
    );
    assert_eq!(format!("{:?}", error), format!("OPH_ENOTFOUND: {}", error));
}

#[test]
fn every_mistake_of_a_text_is_reported() {
    let ctx = Context::new().unwrap();
    let text = "class A : NoSuch\nrow a A rvb int config\n";
    let error = ctx.parse(text, "beamline.class").unwrap_err();
    assert_eq!(error.code(), sys::OPH_EPARSE);
    let mistakes: Vec<String> = error.report().iter().map(Error::to_string).collect();
    assert_eq!(
        mistakes,
        [
            "beamline.class:2: unknown how 'rvb'; the nearest is rbv",
            "beamline.class:1: class A: there is no class NoSuch",
        ]
    );
    assert_eq!(error.to_string(), mistakes[0]);
    ctx.parse("class A : PilatusDetector\n", "beamline.class")
        .unwrap();
}

#[test]
fn a_text_with_a_nul_is_refused() {
    let ctx = Context::new().unwrap();
    let error = Device::new(&ctx, "Pilatus\0Detector", "Pilatus:", "det")
        .err()
        .unwrap();
    assert_eq!(error.code(), sys::OPH_EINVAL);
    assert!(error.to_string().contains("NUL"), "{}", error);
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let error = Frames::open(
        Path::new("/no/such/file.h5"),
        Some(std::time::Duration::ZERO),
    )
    .err()
    .unwrap();
    assert_eq!(error.code(), sys::OPH_EFILE);
    assert!(error.to_string().contains("/no/such/file.h5"), "{}", error);
}
