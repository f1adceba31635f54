"""Libraries keep to the calling thread within, and get their threads back."""

from __future__ import annotations

import cv2
from threadpoolctl import threadpool_info

from mien.motion import one_thread


def test_one_thread_within_and_as_before_afterwards() -> None:
    def pools() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info()]

    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        outside = pools()
        with one_thread():
            assert cv2.getNumThreads() == 1
            assert set(pools()) <= {1}
        assert cv2.getNumThreads() == 3
        assert pools() == outside
    finally:
        cv2.setNumThreads(before)
