//! A replica of a gateway over real connections: what it says depends on the number of the connection,
//! as it does where each connection belongs to one worker.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is said to a request on a connection; nothing for a connection that stays silent.
type Script = dyn Fn(usize, &str) -> Option<String> + Send + Sync;

/// One replica; it ends with its value.
pub struct Edge {
    /// `host:port`.
    pub address: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Edge {
    /// Begins to listen. The script is told the number of the connection and the head of the request.
    pub async fn start(script: impl Fn(usize, &str) -> String + Send + Sync + 'static) -> Self {
        Self::listen(move |number, head| Some(script(number, head))).await
    }

    /// Takes every connection and says nothing.
    pub async fn silent() -> Self {
        Self::listen(|_, _| None).await
    }

    async fn listen(
        script: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let script: Arc<Script> = Arc::new(script);
        let heard = asked.clone();
        let task = tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, number, script.clone(), heard.clone()));
            }
        });
        Self {
            address,
            asked,
            task,
        }
    }

    /// Every request so far, as its head was sent.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    number: usize,
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(more) => head.extend_from_slice(&part[..more]),
        }
    }
    let head = String::from_utf8(head).unwrap();
    asked.lock().unwrap().push(head.clone());
    match script(number, &head) {
        // The other side may have heard enough already.
        Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
        None => std::future::pending().await,
    }
}

/// An answer with a body of two bytes.
pub fn answer(status: u16, headers: &str) -> String {
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: 2\r\nconnection: close\r\n\r\n{{}}")
}

/// The refusal of a worker whose gate has a generation.
pub fn refusal(generation: i64, worker: usize) -> String {
    answer(401, &format!("X-Gate: {generation}.{worker}\r\n"))
}
