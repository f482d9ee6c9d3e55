//! What a start has to do to a volume, by what is recorded of it.

use std::cmp::Ordering;

use crate::spec::{Policy, Volume};
use crate::state::Completion;
use crate::version;

/// What a start does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Fill it: no start has finished doing so.
    Fill,
    /// Bring it from one version of the image to another; `None`: the image had none then.
    Upgrade {
        /// The version that it was brought to last.
        from: Option<String>,
        /// The image's.
        to: String,
    },
    /// Finish what an earlier start began.
    Finish,
    /// Add what is missing.
    AddMissing,
    /// Make it what the image has.
    Mirror,
    /// Remove what an earlier start left beside it, which changed nothing in it.
    Clear,
}

/// Why a start may not use a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The version that the volume was brought to.
    pub volume: String,
    /// The image's, which is older.
    pub image: String,
}

/// What has to be done. `None`: nothing, and no file in it is looked at.
///
/// # Errors
/// The volume belongs to a newer image.
pub fn task(
    volume: &Volume,
    image: Option<&str>,
    completion: Option<&Completion>,
    unfinished: bool,
    staged: bool,
) -> Result<Option<Task>, Refusal> {
    if volume.seed.is_none() {
        return Ok(None);
    }
    let Some(completion) = completion else { return Ok(Some(Task::Fill)) };
    refuse_downgrade(volume, image, completion)?;
    if unfinished {
        return Ok(Some(Task::Finish));
    }
    let task = match volume.policy {
        Policy::Once => None,
        Policy::Missing => Some(Task::AddMissing),
        Policy::Mirror => Some(Task::Mirror),
        Policy::Upgrade => image
            .filter(|image| completion.version.as_deref() != Some(image))
            .map(|image| Task::Upgrade { from: completion.version.clone(), to: image.to_owned() }),
    };
    Ok(task.or(staged.then_some(Task::Clear)))
}

fn refuse_downgrade(volume: &Volume, image: Option<&str>, completion: &Completion) -> Result<(), Refusal> {
    let follows = matches!(volume.policy, Policy::Upgrade | Policy::Mirror);
    match (image, &completion.version) {
        (Some(image), Some(recorded))
            if follows && !volume.allow_downgrade && version::compare(image, recorded) == Ordering::Less =>
        {
            Err(Refusal { volume: recorded.clone(), image: image.to_owned() })
        }
        _ => Ok(()),
    }
}
