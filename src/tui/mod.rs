//! What is shown: terminal, inbox, keymap, model, update, event loop, theme, screens, widgets. Invariant: drawing only reads; nothing here knows where events come from.
