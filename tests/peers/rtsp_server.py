"""An RTSP server on loopback: rtsp_server.py PORT LAUNCH [USER PASSWORD | ntp HOST:PORT]. Prints "ready" when it listens.

With ntp its clock is that of an NTP server, and its description (SDP) says so (RFC 7273).
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstNet", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstNet, GstRtspServer  # noqa: E402

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(sys.argv[2])
factory.set_shared(True)
if len(sys.argv) > 4 and sys.argv[3] == "ntp":
    host, port = sys.argv[4].rsplit(":", 1)
    clock = GstNet.NtpClock.new(None, host, int(port), 0)
    if not clock.wait_for_sync(20 * Gst.SECOND):
        sys.exit("the clock does not answer")
    factory.set_clock(clock)
    factory.set_publish_clock_mode(GstRtspServer.RTSPPublishClockMode.CLOCK_AND_OFFSET)
elif len(sys.argv) > 4:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(sys.argv[3], sys.argv[4]), token)
    server.set_auth(auth)
    factory.add_role_from_structure(Gst.Structure.new_from_string("user, media.factory.access=true, media.factory.construct=true"))
server.get_mount_points().add_factory("/cam", factory)
if server.attach(None) == 0:
    sys.exit("the port is taken")
print("ready", flush=True)
GLib.MainLoop().run()
