//! Everything through the real program: two data folders, two daemons, the `local` network, nothing replaced by anything.

mod backup;
mod bad_input;
mod coming_from;
mod commands;
mod conformance;
mod contacts;
mod conversation;
mod crashes;
mod demo;
mod doctor;
mod events;
mod flags;
mod free_space;
mod http;
mod inherited;
mod lifecycle;
mod one_api;
mod output;
mod petnames;
mod secrecy;
mod secrets;
mod sending;
mod silent;
mod terminal;
mod timers;
mod world;
