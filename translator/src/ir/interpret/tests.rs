//! One case or more for every op.
