//! The sliding window, and the table of budgets.

use blockhub::domain::access::Tier;
use blockhub::domain::quota::{Budget, RESOURCES, Resource, SCOPES, Scope, budget};
use blockhub::limit::window::{SLOTS, Window};
use proptest::prelude::*;

const WINDOW_MS: u64 = 60_000;
const SLOT_MS: u64 = WINDOW_MS / SLOTS;

proptest! {
    /// Whoever lets pass by a window never lets pass more than the budget within any time of its length.
    #[test]
    fn within_any_window_no_more_passes_than_the_budget(
        steps in prop::collection::vec((0_u64..9_000, 1_usize..40), 1..300),
        budget in 1_u32..60,
    ) {
        let (mut window, mut now_ms, mut passed) = (Window::new(WINDOW_MS), 0, Vec::new());
        for (pause_ms, tries) in steps {
            now_ms += pause_ms;
            for _ in 0..tries {
                if window.used(now_ms) < budget {
                    window.add(now_ms, 1);
                    passed.push(now_ms);
                }
            }
        }
        for (at, begin) in passed.iter().enumerate() {
            let within = passed[at..].iter().take_while(|later| **later < begin + WINDOW_MS).count();
            prop_assert!(within <= budget as usize, "{within} of {budget} from {begin}");
        }
    }

    /// Who waits as long as they are told finds room.
    #[test]
    fn after_the_time_that_is_told_there_is_room(uses in prop::collection::vec(0_u64..WINDOW_MS, 1..50)) {
        let (mut window, mut uses) = (Window::new(WINDOW_MS), uses);
        uses.sort_unstable();
        uses.iter().for_each(|at| window.add(*at, 1));
        let (now_ms, full) = (WINDOW_MS, window.used(WINDOW_MS));
        let eases_in_ms = window.eases_in_ms(now_ms);
        prop_assert!(eases_in_ms <= WINDOW_MS + SLOT_MS);
        prop_assert!(window.used(now_ms + eases_in_ms) < full || full == 0);
    }
}

#[test]
fn what_was_used_is_forgotten_a_slot_after_the_window_at_the_latest() {
    let mut window = Window::new(WINDOW_MS);
    window.add(SLOT_MS - 1, 7);
    assert_eq!(window.used(WINDOW_MS + SLOT_MS - 1), 7);
    assert_eq!(window.used(WINDOW_MS + SLOT_MS), 0);
    window.add(WINDOW_MS * 1_000, 3);
    assert_eq!((window.used(WINDOW_MS * 1_000), window.eases_in_ms(WINDOW_MS * 1_000)), (3, WINDOW_MS + SLOT_MS));
    // A clock that was set back counts on in the newest slot.
    window.add(0, 1);
    assert_eq!(window.used(WINDOW_MS * 1_000), 4);
}

#[test]
fn the_tiers_have_what_is_promised() {
    let of_user = |resource, tier| budget(resource, Scope::User, tier);
    let per_hour = |amount| Some(Budget { amount, window_ms: 3_600_000 });
    let promised =
        [(Resource::AiText, [10, 50, 200]), (Resource::Image, [5, 25, 100]), (Resource::Export, [20, 100, 400])];
    for (resource, amounts) in promised {
        for (tier, amount) in [Tier::Free, Tier::Pro, Tier::Enterprise].into_iter().zip(amounts) {
            assert_eq!(of_user(resource, tier), per_hour(amount), "{resource:?} {tier:?}");
        }
    }
    assert_eq!(of_user(Resource::Edit, Tier::Free), Some(Budget { amount: 1_000, window_ms: 60_000 }));
    assert_eq!((of_user(Resource::Edit, Tier::Pro), of_user(Resource::Edit, Tier::Enterprise)), (None, None));
}

#[test]
fn who_pays_for_more_never_gets_less() {
    for (resource, scope) in RESOURCES.into_iter().flat_map(|resource| SCOPES.map(|scope| (resource, scope))) {
        let amount = |tier| budget(resource, scope, tier).map_or(u32::MAX, |budget| budget.amount);
        assert!(amount(Tier::Free) <= amount(Tier::Pro), "{resource:?} {scope:?}");
        assert!(amount(Tier::Pro) <= amount(Tier::Enterprise), "{resource:?} {scope:?}");
    }
}
