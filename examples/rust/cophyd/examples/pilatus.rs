//! Take one image with a Pilatus, find the HDF5 file that the IOC wrote, and read it back.
//!
//!     pilatus [PREFIX [WRITE_ROOT [READ_ROOT]]]
//!
//! WRITE_ROOT is the data disk as the IOC names it, READ_ROOT the same disk as this machine does.

use cophyd::{Context, Device, Frames, Result};

const CLASSES: &str = "\
class MyPilatusDetectorCam : PilatusDetectorCam
doc   Pilatus camera, with the PV that makes it wait for its plugins
row   wait_for_plugins WaitForPlugins rw enum config

class MyHDF5Plugin : HDF5Plugin@3.4 FileStoreHDF5IterativeWrite

class MyPilatusDetector : SingleTrigger DetectorBase
doc   Pilatus detector
dev   cam   cam1:   MyPilatusDetectorCam
dev   image image1: ImagePlugin
dev   hdf1  HDF1:   MyHDF5Plugin
";

/// A trigger of a staged device; whatever happens, the device is then unstaged.
fn take_image(det: &Device) -> Result<()> {
    let staged = det.stage()?;
    let status = staged.trigger()?;
    println!("{}", status);
    let done = status.wait(None);
    println!("{}", status);
    done?;
    for kept in staged.unstage()? {
        eprintln!("cophyd: {}", kept);
    }
    Ok(())
}

fn show_file(det: &Device) -> Result<()> {
    let file = det.local_file("hdf1")?;
    println!("IOC file: {}", det.ioc_file("hdf1")?);
    println!("local file: {}", file.display());
    println!("exists: {}", if file.exists() { "True" } else { "False" });
    let frames = Frames::open(&file, None)?;
    let info = frames.info()?;
    let shape: Vec<String> = info.shape.iter().map(usize::to_string).collect();
    println!("shape: ({})", shape.join(", "));
    println!("dtype: {}", info.dtype);
    let pixels: Vec<i32> = frames.read(0, 1)?;
    println!("sum: {}", pixels.iter().map(|&p| i64::from(p)).sum::<i64>());
    Ok(())
}

fn run(prefix: &str, write_root: &str, read_root: &str) -> Result<()> {
    let ctx = Context::new()?;
    ctx.interrupt_on_ctrl_c();
    ctx.parse(CLASSES, "pilatus.rs")?;
    let mut det = Device::new(&ctx, "MyPilatusDetector", prefix, "det")?;
    let below = "test/pilatus/%Y/%m/%d/"; // a folder a day, below each root
    det.set_folders(
        "hdf1",
        &format!("{}/{}", write_root, below),
        &format!("{}/{}", read_root, below),
    )?;
    det.set("cam", "image_mode", "Single")?;
    det.set("cam", "num_images", 1)?;
    det.set("cam", "acquire_time", 0.1)?;
    det.set("cam", "acquire_period", 0.105)?;
    det.set("cam", "wait_for_plugins", "Yes")?;
    det.set("hdf1", "lazy_open", 1)?;
    det.set("hdf1", "compression", "LZ4")?;
    det.set("hdf1", "file_template", "%s%s_%3.3d.h5")?;
    det.connect(None)?;
    det.put("hdf1.create_directory", -5)?;
    take_image(&det)?;
    show_file(&det)
}

fn main() {
    let mut args = std::env::args().skip(1);
    let mut next = |default: &str| args.next().unwrap_or_else(|| default.to_owned());
    let prefix = next("Pilatus:");
    let write_root = next("/mnt/fileserver/data");
    let read_root = next("/export/raid5/fileshare/data");
    if let Err(error) = run(&prefix, &write_root, &read_root) {
        eprintln!("cophyd: {}", error);
        for other in error.report().iter().skip(1) {
            eprintln!("cophyd: {}", other);
        }
        std::process::exit(1);
    }
}
