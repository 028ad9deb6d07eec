//! [`Limits`]: the bounds on everything that a script or a message can make grow.

/// Bounds on a particle's script, data and execution. The defaults suit a node that talks to strangers.
///
/// What goes beyond a bound on the script is diagnostic A011; the other bounds reject a step with code 10
/// (`LimitExceeded`) or, for streams, 20013 (`StreamSizeLimitExceeded`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Length of the script text in bytes.
    pub script_bytes: usize,
    /// Instructions in the script.
    pub script_instructions: usize,
    /// Depth of instructions inside instructions; the root has depth 1.
    pub script_nesting: usize,
    /// Bytes of all logs and values that a particle carries.
    pub data_bytes: usize,
    /// Bytes of one encoded message.
    pub message_bytes: usize,
    /// Bytes of the DAG-CBOR of one value.
    pub value_bytes: usize,
    /// Arrays and objects inside each other in one value.
    pub value_nesting: usize,
    /// Log entries of one particle.
    pub entries: usize,
    /// Activations started by one execution.
    pub activations: usize,
    /// Bytes that started instances hold beyond the little that each may: copies of literals, operands, printed lenses,
    /// texts of errors. Without this bound a short script could make them grow without one.
    pub instance_bytes: usize,
    /// Elements of one stream or map.
    pub stream_elements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            script_bytes: 16 * MIB,
            script_instructions: 1_000_000,
            script_nesting: 65_536,
            data_bytes: 64 * MIB,
            message_bytes: 64 * MIB,
            value_bytes: 32 * MIB,
            value_nesting: 128,
            entries: 250_000,
            activations: 1_000_000,
            instance_bytes: 64 * MIB,
            stream_elements: 1024,
        }
    }
}
