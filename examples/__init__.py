"""Small implementations and shops to try the suite on. An installation has them as ``conformance.examples``."""
