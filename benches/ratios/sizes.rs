//! Whether a large store costs more than a small one.

use crate::Row;
use crate::lab::{Lab, Result, ms, race, ratio};

/// Rows of the store that a huge one is compared with.
const SMALL: usize = 10_000;

pub fn rows(lab: &Lab) -> Result<Vec<Row>> {
    let large = lab.store(lab.large)?;
    let counts = race(
        lab.rounds / 2,
        &mut [lab.larder(&large, &["count", "big"]), lab.larder(&large, &["count", "empty"])],
    )?;

    let (huge, small) = (lab.store(lab.huge)?, lab.store(SMALL)?);
    let gets = race(
        lab.rounds / 2,
        &mut [
            lab.larder(&huge, &["get", "big", "key-00007777"]),
            lab.larder(&small, &["get", "big", "key-00007777"]),
        ],
    )?;
    let row = |what: String, times: &[std::time::Duration]| {
        let detail = format!("{} / {}", ms(times[0]), ms(times[1]));
        Row::at_most(1.2, &what, ratio(times[0], times[1]), detail)
    };
    Ok(vec![
        row(format!("count: a group of {} over an empty one", lab.large), &counts),
        row(format!("get: from {} rows over from {SMALL}", lab.huge), &gets),
    ])
}
