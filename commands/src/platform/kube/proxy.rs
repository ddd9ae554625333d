//! GET to a port of a pod through the API server: reaches a container that has neither a shell nor an
//! address of its own outside. Needs the right to get `pods/proxy`.

use futures_util::AsyncReadExt;

use super::super::{Cause, PlatformError};
use super::Cluster;

impl Cluster {
    /// The body of a successful answer, at most `limit` bytes. `path` begins with a slash.
    ///
    /// # Errors
    /// [`Cause::NotFound`] where the pod does not know the path, [`Cause::Busy`] when nobody listens on
    /// the port, [`Cause::TooLarge`] when there is more than `limit` bytes.
    pub async fn get_from_pod(
        &self,
        (namespace, pod, port): (&str, &str, u16),
        path: &str,
        limit: usize,
    ) -> Result<Vec<u8>, PlatformError> {
        let uri = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}");
        let what = format!("GET {path} of {namespace}/{pod}:{port}");
        let bytes = self
            .call(&what, async |client| {
                let request =
                    http::Request::get(uri).body(Vec::new()).map_err(kube::Error::HttpError)?;
                let stream = client.request_stream(request).await?;
                let mut bytes = Vec::new();
                // One byte more than is kept tells whether something was left.
                let mut stream = std::pin::pin!(stream.take(limit as u64 + 1));
                stream.read_to_end(&mut bytes).await.map_err(kube::Error::ReadEvents)?;
                Ok(bytes)
            })
            .await?;
        if bytes.len() > limit {
            let target = format!("{what} in cluster {}", self.name());
            return Err(PlatformError::new(target, Cause::TooLarge(limit)));
        }
        Ok(bytes)
    }
}
