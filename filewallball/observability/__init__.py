"""What the service shows of itself: metrics, request log and the process slots that both rest on."""
