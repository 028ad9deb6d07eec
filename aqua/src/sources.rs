//! [`Sources`]: where the compiler gets texts and interfaces from.

use std::sync::Arc;

use thiserror::Error;

use crate::hir::{Method, Type};

/// What the compiler may ask its host for. The bundled library is not asked for.
pub trait Sources {
    /// The text of the file at this path, which has `/` between its parts. `None`: there is no such file.
    ///
    /// # Errors
    /// If there is one and it cannot be read.
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>>;

    /// The interface of the built component at this path, or of the service whose `Marine.toml` it is.
    ///
    /// # Errors
    /// If it is not built, or cannot be read.
    fn interface(&self, path: &str) -> Result<Arc<Interface>, SourceError> {
        Err(SourceError { message: format!("there is no component at `{path}`"), help: None })
    }

    /// Files of this folder and below with the given ending (without the point), for suggestions only.
    fn list(&self, _folder: &str, _ending: &str) -> Vec<String> {
        Vec::new()
    }
}

/// Why a text or an interface cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SourceError {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The interface of a built component in terms of Aqua. What Aqua cannot say is [`Type::Top`].
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// Of the interface's text: generated declarations name it.
    pub hash: String,
    /// Named records, as [`Type::Data`].
    pub data: Vec<(Arc<str>, Type)>,
    /// All functions of the facade.
    pub functions: Vec<Method>,
}
