//! The language server of Aqua: `marine aqua lsp`.
//!
//! The one crate that knows the Language Server Protocol (3.17). What names mean, what is wrong and what may stand somewhere is asked of
//! `marine_aqua`; this crate keeps the open texts and translates places. Positions are counted in UTF-16 units, the protocol's default.

#![forbid(unsafe_code)]

mod colours;
mod convert;
mod requests;
mod workspace;

use lsp_server::{Connection, Message, Notification, Request, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, Notification as _, PublishDiagnostics,
};
use lsp_types::{
    CodeActionProviderCapability, CompletionOptions, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, HoverProviderCapability, InitializeParams, OneOf, PublishDiagnosticsParams,
    RenameOptions, SemanticTokensFullOptions, SemanticTokensOptions, ServerCapabilities, TextDocumentSyncCapability,
    TextDocumentSyncKind,
};
use marine_aqua::{Options, Sources};
use thiserror::Error;

use workspace::Workspace;

/// Why the server stopped before it was told to.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The client broke the protocol or went away.
    #[error("the editor broke the protocol: {0}")]
    Protocol(#[from] lsp_server::ProtocolError),
    /// A message was not what its method promises.
    #[error("the editor sent a message that makes no sense: {0}")]
    Message(#[from] serde_json::Error),
    /// Reading or writing failed.
    #[error("cannot talk to the editor: {0}")]
    Stream(#[from] std::io::Error),
    /// The connection is closed.
    #[error("the editor went away")]
    Closed,
}

/// Serves one editor until it says goodbye. Files that it has not opened come from `sources`, whose paths are absolute.
///
/// # Errors
/// If the editor breaks the protocol or goes away without a word.
pub fn serve(connection: &Connection, sources: &dyn Sources, options: &Options) -> Result<(), ServeError> {
    let capabilities = serde_json::to_value(capabilities())?;
    let params: InitializeParams = serde_json::from_value(connection.initialize(capabilities)?)?;
    let mut server = Server { connection, workspace: Workspace::new(sources, options, &params) };
    for message in &connection.receiver {
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request)? {
                    return Ok(());
                }
                server.request(request)?;
            }
            Message::Notification(notification) => server.notification(notification)?,
            Message::Response(_) => {}
        }
        // Several keystrokes may be waiting: only the last text is looked at.
        if connection.receiver.is_empty() {
            server.publish()?;
        }
    }
    Ok(())
}

/// Serves the editor that started this process, over standard input and output.
///
/// # Errors
/// As [`serve`], and if the streams fail.
pub fn serve_stdio(sources: &dyn Sources, options: &Options) -> Result<(), ServeError> {
    let (connection, threads) = Connection::stdio();
    serve(&connection, sources, options)?;
    // The writing thread ends when nobody can send any more.
    drop(connection);
    Ok(threads.join()?)
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::INCREMENTAL)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![".".to_string(), "\"".to_string()]),
            ..CompletionOptions::default()
        }),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: Default::default(),
        })),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        semantic_tokens_provider: Some(
            SemanticTokensOptions {
                legend: colours::legend(),
                full: Some(SemanticTokensFullOptions::Bool(true)),
                ..SemanticTokensOptions::default()
            }
            .into(),
        ),
        code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
        ..ServerCapabilities::default()
    }
}

struct Server<'a> {
    connection: &'a Connection,
    workspace: Workspace<'a>,
}

impl Server<'_> {
    fn request(&mut self, request: Request) -> Result<(), ServeError> {
        let response = match requests::answer(&mut self.workspace, &request) {
            Some(Ok(result)) => Response::new_ok(request.id, result),
            Some(Err(refusal)) => Response::new_err(request.id, refusal.code as i32, refusal.message),
            None => {
                let code = lsp_server::ErrorCode::MethodNotFound as i32;
                Response::new_err(request.id, code, format!("no method `{}`", request.method))
            }
        };
        self.send(Message::Response(response))
    }

    fn notification(&mut self, notification: Notification) -> Result<(), ServeError> {
        match notification.method.as_str() {
            DidOpenTextDocument::METHOD => {
                let params: DidOpenTextDocumentParams = serde_json::from_value(notification.params)?;
                self.workspace.open(&params.text_document.uri, params.text_document.text);
            }
            DidChangeTextDocument::METHOD => {
                let params: DidChangeTextDocumentParams = serde_json::from_value(notification.params)?;
                self.workspace.change(&params.text_document.uri, params.content_changes);
            }
            DidCloseTextDocument::METHOD => {
                let params: DidCloseTextDocumentParams = serde_json::from_value(notification.params)?;
                self.workspace.close(&params.text_document.uri);
                let nothing = PublishDiagnosticsParams::new(params.text_document.uri, Vec::new(), None);
                self.send(Message::Notification(Notification::new(PublishDiagnostics::METHOD.to_string(), nothing)))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Tells what is wrong with the open files, if anything may have changed.
    fn publish(&mut self) -> Result<(), ServeError> {
        for params in self.workspace.fresh_diagnostics() {
            self.send(Message::Notification(Notification::new(PublishDiagnostics::METHOD.to_string(), params)))?;
        }
        Ok(())
    }

    fn send(&self, message: Message) -> Result<(), ServeError> {
        self.connection.sender.send(message).map_err(|_| ServeError::Closed)
    }
}
