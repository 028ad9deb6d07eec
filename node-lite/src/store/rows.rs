//! Rows of the store that are more than one value, in canonical DAG-CBOR.

use cid::Cid;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::StoreError;

/// A module that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModuleRow {
    /// Its name when it was added.
    pub(crate) name: String,
    /// Who added it.
    pub(crate) owner: String,
    /// Size of its blob in bytes.
    pub(crate) size: u64,
}

/// A blueprint that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlueprintRow {
    /// Who added it.
    pub(crate) owner: String,
    /// Its canonical bytes.
    #[serde(with = "serde_bytes")]
    pub(crate) bytes: Vec<u8>,
}

/// A service that was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceRow {
    /// What it is made of.
    pub(crate) blueprint: Cid,
    /// Who created it.
    pub(crate) owner: String,
}

/// The bytes of a row.
pub(super) fn encode(row: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_ipld_dagcbor::to_vec(row).map_err(|e| StoreError::Write { reason: e.to_string() })
}

/// The row in `bytes`.
pub(super) fn decode<T: DeserializeOwned>(table: &'static str, key: &str, bytes: &[u8]) -> Result<T, StoreError> {
    serde_ipld_dagcbor::from_slice(bytes).map_err(|e| damaged(table, key, e))
}

/// A row that does not fit.
pub(super) fn damaged(table: &'static str, key: &str, reason: impl ToString) -> StoreError {
    StoreError::Row { table, key: key.to_owned(), reason: reason.to_string() }
}
