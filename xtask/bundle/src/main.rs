//! Turns the compiled islands into what a browser loads: a small program of its own because
//! wasm-bindgen's library is slow to build and only the bundling step needs it. It is called by
//! `cargo xtask` with the path of the module and an output folder, and writes `islands.js` and
//! `islands_bg.wasm` there. Using the library at the locked version means that no command-line
//! tool of a matching version has to be installed.

use std::path::PathBuf;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, folder] = arguments.as_slice() else {
        eprintln!("usage: bundle <module.wasm> <output folder>");
        return ExitCode::from(2);
    };
    match bundle(module, folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("The islands could not be bundled: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn bundle(module: &PathBuf, folder: &PathBuf) -> Result<(), String> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name("islands")
        .typescript(false)
        .omit_default_module_path(true)
        .web(true)
        .and_then(|web| web.generate(folder))
        .map_err(|error| format!("{error:#}"))
}
