//! What is handed over: 13 documents from templates and their JSON twin. Invariant: a report is a function of journal and blobs.
