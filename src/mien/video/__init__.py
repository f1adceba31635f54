"""Files, folders of images -> frames with real timestamps; writing clips."""

from mien.video.ahead import read_ahead
from mien.video.camera import Camera, camera_number, open_camera
from mien.video.frame import Frame, Video
from mien.video.images import read_image, write_image
from mien.video.reading import is_video, open_video, read_clip, read_frames, select_frames
from mien.video.recording import record_video
from mien.video.writing import write_video

__all__ = [
    "Camera",
    "Frame",
    "Video",
    "camera_number",
    "is_video",
    "open_camera",
    "open_video",
    "read_ahead",
    "read_clip",
    "read_frames",
    "read_image",
    "record_video",
    "select_frames",
    "write_image",
    "write_video",
]
