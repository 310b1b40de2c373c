//! Tests against the processor.
