//! The regions: clusters that fail and serve together.

use super::Platform;
use super::config::Region;

impl Platform {
    /// The configured regions; without any, each cluster is one of its own name.
    #[must_use]
    pub fn regions(&self) -> Vec<Region> {
        if !self.recovery.regions.is_empty() {
            return self.recovery.regions.clone();
        }
        let names = self.clusters.iter().map(|cluster| cluster.name().to_owned());
        names.map(|name| Region { clusters: vec![name.clone()], name }).collect()
    }
}
