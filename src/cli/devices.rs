//! `volte devices`: the GPUs, cameras and encoders that are found here.

use gst::prelude::{DeviceExt as _, DeviceMonitorExt as _, DeviceMonitorExtManual as _};
use volte::gpu::{Gpu, GpuOptions};

/// What `volte devices` takes.
#[derive(Debug, Default, clap::Args)]
pub struct Args {}

/// Encoders and decoders that matter, with what each is for and where it comes from.
const ELEMENTS: &[(&str, &str, &str)] = &[
    ("avdec_h264", "decode H.264", "gstreamer1.0-libav"),
    ("avdec_h265", "decode H.265", "gstreamer1.0-libav"),
    ("jpegdec", "decode Motion JPEG", "gstreamer1.0-plugins-good"),
    ("avdec_prores", "decode ProRes", "gstreamer1.0-libav"),
    ("x264enc", "encode H.264", "gstreamer1.0-plugins-ugly"),
    ("x265enc", "encode H.265", "gstreamer1.0-plugins-bad"),
    ("avenc_prores_ks", "encode ProRes", "gstreamer1.0-libav"),
    ("nvh264enc", "encode H.264 on an NVIDIA GPU", "gstreamer1.0-plugins-bad and NVIDIA's driver"),
    ("vah264enc", "encode H.264 on an AMD or Intel GPU", "gstreamer1.0-plugins-bad and a VA driver"),
    ("decklinkvideosrc", "SDI in and out with Blackmagic cards", "gstreamer1.0-plugins-bad and Blackmagic's driver"),
    ("srtsrc", "SRT in", "gstreamer1.0-plugins-bad"),
    ("v4l2src", "USB cameras", "gstreamer1.0-plugins-good"),
];

/// Runs it.
pub fn run(_args: Args) -> anyhow::Result<()> {
    println!("GPUs");
    let names = Gpu::adapters();
    for (name, kind) in &names {
        println!("  {name} ({kind})");
    }
    match Gpu::open(&GpuOptions::default()) {
        Ok(gpu) => println!("  used: {}; VOLTE_ADAPTER=part-of-a-name chooses another", gpu.info.name),
        Err(problem) => println!("  none can be used: {problem}"),
    }

    println!("Cameras");
    gst::init()?;
    let monitor = gst::DeviceMonitor::new();
    monitor.add_filter(Some("Video/Source"), None);
    // A monitor that cannot start (no udev in a container) finds nothing, which is what is printed.
    let started = monitor.start().is_ok();
    let devices = if started { monitor.devices().into_iter().collect::<Vec<_>>() } else { Vec::new() };
    for device in &devices {
        println!("  {} ({})", device.display_name(), device.device_class());
    }
    if devices.is_empty() {
        println!("  none plugged in; files and network streams need none");
    }
    if started {
        monitor.stop();
    }

    println!("Codecs and cards");
    for (element, purpose, package) in ELEMENTS {
        let found = gst::ElementFactory::find(element).is_some();
        println!("  {} {purpose}{}", if found { "yes" } else { " no" }, if found { String::new() } else { format!(" (needs {package})") });
    }
    Ok(())
}
