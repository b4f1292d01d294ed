//! Who sits where: members and authors over projects.
//!
//! Promises: no two authors share a block, so that nobody's edits conflict.
//! Must never: give an author a block that is not there.

use super::author::{Author, Text};
use super::projects::Project;
use super::seat::{Place, Seat, take_all};
use crate::LoadError;
use crate::chance::Chance;
use crate::socket::Form;
use crate::world::World;

/// A seat for each of so many users, over projects and hubs in turn.
pub async fn seat_all(world: &World, count: usize, projects: &[Project], form: Form) -> Result<Vec<Seat>, LoadError> {
    let place = |number: usize| {
        let project = &projects[number % projects.len()];
        Place { form, ..Place::at(world.address(number), number, project) }
    };
    take_all((0..count).map(place).collect()).await
}

/// Makes authors of the first so many seats: each of so many blocks of its project.
pub fn appoint(
    seats: &mut [Seat],
    count: usize,
    projects: &[Project],
    blocks: usize,
    text: &Text,
    chance: &mut Chance,
) {
    for (number, seat) in seats.iter_mut().take(count).enumerate() {
        let project = &projects[number % projects.len()];
        let own = project.blocks.iter().skip(number / projects.len() * blocks).take(blocks);
        let own = own.map(|block| (project, block.as_str()));
        seat.author = Some(Author::of(own, text.clone(), chance.fork()));
    }
}

/// How many blocks each project needs if so many authors share the projects, with so many blocks each.
pub fn blocks_needed(authors: usize, projects: usize, blocks: usize) -> usize {
    authors.div_ceil(projects) * blocks
}
