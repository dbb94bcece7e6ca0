//! `volte devices`: the GPUs, cameras and encoders that are found here.

use gst::prelude::{DeviceExt as _, DeviceMonitorExt as _, DeviceMonitorExtManual as _};
use volte::capture::Codec;
use volte::gpu::{Gpu, GpuOptions};
use volte::output::program::SinkCodec;

/// What `volte devices` takes.
#[derive(Debug, Default, clap::Args)]
pub struct Args {}

/// Hardware that matters, with what each is for and where it comes from.
const ELEMENTS: &[(&str, &str, &str)] = &[
    ("nvh264enc", "encode H.264 of program outputs on an NVIDIA GPU", "gstreamer1.0-plugins-bad and NVIDIA's driver"),
    ("vah264enc", "encode H.264 of program outputs on an AMD or Intel GPU", "gstreamer1.0-plugins-bad and a VA driver"),
];

/// What is used of a codec's elements, and what else is there.
fn in_use(names: &[String], hint: &str) -> String {
    match names {
        [] => format!("none ({hint})"),
        [used] => used.clone(),
        [used, others @ ..] => format!("{used} (also there: {})", others.join(", ")),
    }
}

/// What is coded in software, whatever hardware is there.
const fn software_uses(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 | Codec::Mjpeg | Codec::ProRes => "exports and pushed pictures, always in software",
        Codec::H265 | Codec::Mpeg4 | Codec::Raw => "pushed pictures, always in software",
    }
}

/// The same codec in a program output.
const fn sink_codec(codec: Codec) -> Option<SinkCodec> {
    match codec {
        Codec::H264 => Some(SinkCodec::H264),
        Codec::H265 => Some(SinkCodec::H265),
        Codec::Mjpeg => Some(SinkCodec::Mjpeg),
        Codec::ProRes => Some(SinkCodec::ProRes),
        Codec::Mpeg4 | Codec::Raw => None,
    }
}

/// How a show file addresses a device, where that is known.
fn address(device: &gst::Device) -> String {
    let properties = device.properties();
    let path = properties.as_ref().and_then(|p| {
        ["device.path", "api.v4l2.path"].into_iter().find_map(|key| p.get::<String>(key).ok()).filter(|path| path.starts_with("/dev/"))
    });
    path.map_or_else(String::new, |path| format!(", address v4l2:{path}"))
}

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
        println!("  {} ({}){}", device.display_name(), device.device_class(), address(device));
    }
    if devices.is_empty() {
        println!("  none plugged in; files and network streams need none");
    }
    if started {
        monitor.stop();
    }

    println!("Codecs ({})", gst::version_string());
    for support in volte::capture::codec_support() {
        let hint = if support.codec == Codec::Mpeg4 { "only read" } else { "install GStreamer's libav, ugly and bad plugins" };
        println!("  {:<7} decoded by {}", support.codec.to_string(), in_use(&support.decoders, "install gstreamer1.0-libav"));
        if !support.moment_hardware.is_empty() {
            println!(
                "          moments decoded by {} first, by software where that fails (VOLTE_DECODERS=software: never)",
                support.moment_hardware.join(", then ")
            );
        }
        println!("          encoded by {} for {}", in_use(&support.encoders, hint), software_uses(support.codec));
        let outputs: Vec<String> = sink_codec(support.codec)
            .map(|codec| volte::output::program::encoder_support(codec).into_iter().map(str::to_owned).collect())
            .unwrap_or_default();
        if !outputs.is_empty() {
            println!("          encoded by {} for program outputs: hardware first, the next one when it fails", in_use(&outputs, hint));
        }
        let unused = support.hardware_encoders.into_iter().filter(|name| !outputs.contains(name)).collect();
        for (hardware, does) in [(support.hardware_decoders, "decode"), (unused, "encode")] {
            if !hardware.is_empty() {
                println!("          hardware could {does}: {} (found, used by nothing)", hardware.join(", "));
            }
        }
    }

    // Cameras send none: it is written only.
    let av1: Vec<String> = volte::output::program::encoder_support(SinkCodec::Av1).into_iter().map(str::to_owned).collect();
    println!("  av1     encoded by {} for program outputs, by av1enc for exports", in_use(&av1, "install gstreamer1.0-plugins-bad"));

    println!("Sources (docs/capture.md)");
    for source in volte::capture::source_support() {
        let there = source.missing.is_empty();
        println!("  {} {:<18} {:<22} {}", if there { "yes" } else { " no" }, source.name, source.address, source.elements.join(", "));
        for (element, remedy) in &source.missing {
            println!("      {element} is missing. {remedy}");
        }
    }

    println!("Sinks of program (docs/output.md)");
    for sink in volte::output::program::sink_support() {
        let there = sink.missing.is_empty();
        println!("  {} {:<18} {:<30} {}", if there { "yes" } else { " no" }, sink.name, sink.address, sink.elements.join(", "));
        for (element, remedy) in &sink.missing {
            println!("      {element} is missing. {remedy}");
        }
    }

    println!("Cards and more");
    for (element, purpose, package) in ELEMENTS {
        let found = gst::ElementFactory::find(element).is_some();
        println!("  {} {purpose}{}", if found { "yes" } else { " no" }, if found { String::new() } else { format!(" (needs {package})") });
    }
    Ok(())
}
