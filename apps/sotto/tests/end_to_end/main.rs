//! Everything through the real program: two data folders, two daemons, the `local` network, nothing replaced by anything.

mod backup;
mod bad_input;
mod commands;
mod conformance;
mod contacts;
mod conversation;
mod crashes;
mod demo;
mod doctor;
mod events;
mod lifecycle;
mod petnames;
mod secrecy;
mod secrets;
mod sending;
mod terminal;
mod timers;
mod world;
