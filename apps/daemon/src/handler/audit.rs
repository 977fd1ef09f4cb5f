//! `audit.*`

use std::sync::Arc;

use sotto_api::{self as api, Error, all};

use super::{Handle, Handled, PAGE, limit};
use crate::authority::{ENTRIES, Rights, audit_entry, not_allowed, verify_audit};
use crate::call::Call;

impl Handle<all::AuditShow> for Call {
    async fn handle(self: &Arc<Self>, params: api::ShowAudit) -> Result<Handled<api::Audit>, Error> {
        let limit = usize::try_from(limit(params.limit, PAGE)?).unwrap_or(usize::MAX);
        let of = match self.rights()? {
            Rights::Agent(record) => Some(record.name.clone()),
            Rights::Full | Rights::Reader { .. } => params.agent,
        };
        let of = of.map(|name| format!("agent:{name}"));
        let records = self.reads.read(|reader| reader.records(ENTRIES)).await?;
        let mut entries = Vec::new();
        for (key, value) in records.iter().rev() {
            let entry = audit_entry(key, value)?;
            if of.as_ref().is_none_or(|of| *of == entry.principal) {
                entries.push(entry);
            }
            if entries.len() == limit {
                break;
            }
        }
        entries.reverse();
        Ok(Handled::Done(api::Audit { entries }))
    }
}

impl Handle<all::AuditVerify> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::AuditVerdict>, Error> {
        if let Rights::Agent(record) = self.rights()? {
            return Err(not_allowed(&record, "to check the audit log"));
        }
        // No entry comes between the head and the entries.
        let _turn = self.turn().await;
        let head = self.authority.state().audit.clone();
        let entries = self.reads.read(|reader| reader.records(ENTRIES)).await?;
        Ok(Handled::Done(verify_audit(&head, &entries)))
    }
}
