//! What is written: format, writer, reader, blobs, manifest, above a storage trait. Invariant: nothing is acknowledged before it is durable.
